"""Parse a cell. A spreadsheet gives text, numbers, booleans or dates with times; users type anything."""

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache

from django.utils.timezone import get_default_timezone
from django.utils.translation import gettext as _

from core import names, numerals, phone
from core.bikram_sambat import NotADate, ParsedDate, Precision, parse

YES = {"true", "yes", "y", "1", "हो"}
NO = {"false", "no", "n", "0", "होइन"}
_BROKEN = re.compile(r"#(N/A|GETTING_DATA|[A-Z0-9/_]+[!?])")
_UNKEPT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.*", re.DOTALL)
_CUT_MONTH = re.compile(r"[0-9]{4}\.[0-9]")  # 1995.10 and 1995.1 are one number
LONGEST_SHOWN = 40
LONGEST_TEXT = 32_767  # characters, as in Excel
UNCALCULATED = object()  # the value of a cell whose formula was never calculated


class Unreadable(ValueError):
    """The cell has no valid value for its column; the message is shown to users."""


def shown(text: str) -> str:
    """Return the text as a message quotes it: on one line, cut."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_SHOWN else f"{line[:LONGEST_SHOWN]}…"


def text_of(value: object) -> str:
    """Return the text, normalized and stripped; line breaks stay."""
    if value is UNCALCULATED:
        raise Unreadable(_("a formula that was never calculated: open the file in a spreadsheet and save it"))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return _text_of(str(value))


@lru_cache(maxsize=1000)
def _text_of(text: str) -> str:
    """Remembered, as many cells of a workbook can name one shared text."""
    if len(text) > LONGEST_TEXT:
        raise Unreadable(_("too long: a cell can have 32,767 characters at most"))
    if names.has_too_many_marks(text):
        raise Unreadable(_("One letter has too many marks on it."))
    text = names.normalized(text).replace("\u00a0", " ")
    text = "\n".join(" ".join(line.split()) for line in text.strip().splitlines())
    if _BROKEN.fullmatch(text):
        raise Unreadable(_("the spreadsheet shows an error, %(error)s") % {"error": text})
    if _UNKEPT.search(text):
        raise Unreadable(_("has a character that is not text"))
    return text


def name_of(value: object) -> str:
    """Return the name as it is stored. Raises Unreadable where no character is visible."""
    name = names.tidy(text_of(value))
    if not name or not isinstance(value, str):
        raise Unreadable(_("“%(text)s” is not a name") % {"text": shown(name or text_of(value))})
    return name


def phones_of(value: object) -> str:
    """Return the telephone numbers as they are stored."""
    text = text_of(value)
    if isinstance(value, bool | date | time | timedelta):
        raise Unreadable(_("“%(text)s” is not a telephone number") % {"text": shown(text)})
    if isinstance(value, int | float) and value and value % 1_000_000 == 0:  # 9.84E+09 as a number
        number = Decimal(value)  # of any length
        text = f"{value:.2E}" if number.adjusted() < 100 else f"{number:.2E}"
    try:
        return phone.tidy(text)
    except phone.NotANumber as error:
        raise Unreadable(str(error)) from error


def yes_no_of(value: object) -> bool:
    """Return True for a clear yes and False for a clear no; else raise Unreadable."""
    text = text_of(value).casefold()
    if text not in YES | NO:
        raise Unreadable(_("“%(text)s” is not yes or no") % {"text": shown(text)})
    return text in YES


def number_of(value: object) -> int | float:
    """Return a number, as int where it is whole, in digits of either script; no dates, booleans or 1e4."""
    text = text_of(value)
    try:
        return numerals.number_of(format(value, "f") if isinstance(value, float) else text)
    except numerals.NotANumber as error:
        raise Unreadable(_("“%(text)s” is not a number") % {"text": shown(text)}) from error


def date_of(value: object) -> ParsedDate:
    """Return an AD date, from a spreadsheet's date or from text with year, month and day. HTCDS has no other calendar.

    A time with a time zone is converted to the day in Nepal. A whole number is a year; 1995.10 is refused, as the
    number 1995.1 may stand for two months.
    """
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return ParsedDate(value, Precision.DAY, "ad", value.isoformat())
    text = text_of(value)
    try:
        if isinstance(value, time | timedelta | bool) or _CUT_MONTH.fullmatch(text):
            raise NotADate
        if isinstance(value, float) and not value.is_integer():
            raise NotADate
        if _MOMENT.fullmatch(text):
            return ParsedDate(_day_in_nepal(text), Precision.DAY, "ad", text)
        return parse(text, calendar="ad")
    except NotADate as error:
        raise Unreadable(_("“%(text)s” can't be read as a date") % {"text": shown(text)}) from error


def _day_in_nepal(text: str) -> date:
    try:
        moment = datetime.fromisoformat(text)
        return (moment.astimezone(get_default_timezone()) if moment.tzinfo else moment).date()
    except (ValueError, OverflowError) as error:
        raise NotADate from error
