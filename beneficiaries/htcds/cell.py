"""What one cell says. A spreadsheet gives text, numbers, true and false, or moments; people write what they like."""

import re
import unicodedata
from datetime import date, datetime, time, timedelta

from django.utils.translation import gettext as _

from core import names, numerals, phone
from core.bikram_sambat import NotADate, ParsedDate, Precision, parse

YES = {"true", "yes", "y", "1", "हो"}
NO = {"false", "no", "n", "0", "होइन"}
_BROKEN = re.compile(r"#(NULL!|DIV/0!|VALUE!|REF!|NAME\?|NUM!|N/A|SPILL!|CALC!|GETTING_DATA)")
_UNKEPT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ][0-9]{2}:[0-9]{2}.*", re.DOTALL)
LONGEST_SHOWN = 40


class Unreadable(ValueError):
    """The cell doesn't say what its column asks; the message is for people."""


def shown(text: str) -> str:
    """The cell's text as a message quotes it: one line, cut."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_SHOWN else f"{line[:LONGEST_SHOWN]}…"


def text_of(value: object) -> str:
    """The text, in one Unicode form, without blanks around it; lines of a long text stay."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    text = unicodedata.normalize("NFC", str(value)).replace("\u00a0", " ")
    text = "\n".join(" ".join(line.split()) for line in text.strip().splitlines())
    if _BROKEN.fullmatch(text):
        raise Unreadable(_("the spreadsheet shows an error, %(error)s") % {"error": text})
    if _UNKEPT.search(text):
        raise Unreadable(_("holds a sign that is no text"))
    return text


def name_of(value: object) -> str:
    """A name, as it is stored; one that can't be seen is none."""
    name = names.tidy(text_of(value))
    if not name or not isinstance(value, str):
        raise Unreadable(_("“%(text)s” is no name") % {"text": shown(name or text_of(value))})
    return name


def phones_of(value: object) -> str:
    """Telephone numbers, as they are stored."""
    text = text_of(value)
    if isinstance(value, int | float) and value and value % 1_000_000 == 0:  # 9.84E+09 as a number
        text = f"{value:.2E}"
    try:
        return phone.tidy(text)
    except phone.NotANumber as error:
        raise Unreadable(str(error)) from error


def yes_no_of(value: object) -> bool:
    """True or false; anything but a clear yes or no is neither."""
    text = text_of(value).casefold()
    if text not in YES | NO:
        raise Unreadable(_("“%(text)s” is neither yes nor no") % {"text": shown(text)})
    return text in YES


def number_of(value: object) -> int | float:
    """A number, whole where it is."""
    text = text_of(value)
    try:
        is_plain = isinstance(value, int | float) and not isinstance(value, bool)
        return numerals.number_of(format(value, "f") if is_plain else text)
    except numerals.NotANumber as error:
        raise Unreadable(_("“%(text)s” is no number") % {"text": shown(text)}) from error


def date_of(value: object) -> ParsedDate:
    """An AD date: a spreadsheet's own, or year, month and day as text. HTCDS knows no other calendar."""
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return ParsedDate(value, Precision.DAY, "ad", value.isoformat())
    text = text_of(value)
    try:
        if isinstance(value, time | timedelta | bool):
            raise NotADate
        moment = _MOMENT.fullmatch(text)
        return parse(moment.group(1) if moment else text, calendar="ad")
    except NotADate as error:
        raise Unreadable(_("“%(text)s” can't be read as a date") % {"text": shown(text)}) from error
