"""Parsing typed days: which calendar was meant, and the limits of dates.

All forms, the API and the import parse days here, so they share one set of limits.
"""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from core.bikram_sambat import Calendar, NotADate, ParsedDate, Precision, parse, to_bs
from core.numerals import latin_digits

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

FIRST = date(1900, 1, 1)
YEARS_AROUND = 30
OLDEST = 120  # years


class Doubt(NotADate):
    """The day is unlikely in the chosen calendar and likely in the other, so the user is asked which one is meant.

    The message is the question; `readings` maps the values to send back (see `answer`) to the labels of the answers.
    """

    def __init__(self, question: str, readings: dict[str, str]) -> None:
        super().__init__(question)
        self.readings = readings


def answer(calendar: Calendar, typed: str) -> str:
    """Return the value that confirms the calendar of this text; it is valid for this text only."""
    return f"{calendar} {typed.strip()}"


def years_between(earlier: date, later: date) -> int:
    """Return the whole years from one day to a later one."""
    return later.year - earlier.year - ((later.month, later.day) < (earlier.month, earlier.day))


def range_problem(day: date, *, today: date) -> str:
    """Return why the day is outside the range of all dates (1900 to 30 years ahead); "" if it is inside."""
    if day < FIRST:
        return _("The date is before 1900.")
    if years_between(today, day) >= YEARS_AROUND:
        return _("The date is more than %(years)s years ahead.") % {"years": YEARS_AROUND}
    return ""


def record_problem(
    day: date, *, today: date, follows: Iterable[tuple[date | None, "StrOrPromise"]] = ()
) -> str:
    """Return why a recorded event can't have happened on this day; "" if it can.

    `follows` are days that it can't be earlier than, each with the error message for that case.
    """
    if day > today:
        return _("The date is in the future.")
    too_early = (str(sentence) for earlier, sentence in follows if earlier is not None and day < earlier)
    return range_problem(day, today=today) or next(too_early, "")


def day_of(text: str, *, today: date, is_record: bool, calendar: Calendar = "ad", meant: str = "") -> date:
    """Parse a complete day of the calendar. Raises NotADate, or Doubt if it is only likely as one of the other.

    `is_record`: the day of something that has happened, so not after today. `meant`: the answer to the question.
    """
    other = other_calendar(calendar)
    if meant == answer(other, text):
        return _whole(parse(text, calendar=other), today)
    if meant != answer(calendar, text):
        _ask_other(text, calendar, today=today, is_record=is_record)
    return _whole(parse(text, calendar=calendar), today)


def other_calendar(calendar: Calendar) -> Calendar:
    """Return Bikram Sambat for AD, and AD for Bikram Sambat."""
    return "ad" if calendar == "bs" else "bs"


def _whole(found: ParsedDate, today: date) -> date:
    if found.precision != Precision.DAY:
        raise NotADate(_("Write the whole date: year, month and day."))
    problem = range_problem(found.date, today=today)
    if problem:
        raise NotADate(problem)
    return found.date


def _ask_other(text: str, calendar: Calendar, *, today: date, is_record: bool) -> None:
    """Raise Doubt if the text is unlikely as a day of the calendar and likely as one of the other."""
    found, in_other = _read(text, calendar), _read(text, other_calendar(calendar))
    if in_other is None or not _is_likely(in_other, today, is_record):
        return
    if found is not None and _is_likely(found, today, is_record):
        return
    readings = {
        answer(reading.calendar, text): (
            _("Bikram Sambat: %(day)s AD") if reading.calendar == "bs" else _("AD: %(day)s")
        )
        % {"day": _long(reading.date)}
        for reading in (in_other, found)
        if reading is not None
    }
    question = (
        _("This is probably not an AD date. In Bikram Sambat it is %(day)s AD. Which do you mean?")
        if calendar == "ad"
        else _("This is probably not a Bikram Sambat date. In AD it is %(day)s. Which do you mean?")
    )
    raise Doubt(question % {"day": _long(in_other.date)}, readings)


def _is_likely(found: ParsedDate, today: date, is_record: bool) -> bool:
    """Return whether a whole day lies within `YEARS_AROUND` years of today, and not after it if it is recorded."""
    if found.precision != Precision.DAY or (is_record and found.date > today):
        return False
    first, last = sorted((found.date, today))
    return years_between(first, last) < YEARS_AROUND


def birth_of(text: str, *, calendar: Calendar, today: date, meant: str = "") -> ParsedDate:
    """Parse a birth date, known to the day, month or year, in the chosen calendar, or an age. Raises NotADate or Doubt.

    "15" is an age that was said today, "15 2083-01-20" one that was said on that day.
    Somebody born in 1990 BS is over 90, in 1990 AD a young adult; 2049 AD is in the future. Such years raise Doubt.
    """
    age = _age_of(text, calendar=calendar, today=today, meant=meant)
    if age:
        return age
    other = other_calendar(calendar)
    if meant == answer(other, text):
        return parse(text, calendar=other)
    found, in_other = _read(text, calendar), _read(text, other)
    # An AD year read as BS makes the person 57 years older; a BS year read as AD is in the future.
    is_doubtful = found is None or (
        meant != answer(calendar, text) and (calendar == "bs" or found.date > today)
    )
    if is_doubtful and in_other and not birth_problem(in_other.date, today=today):
        raise Doubt(_question(found, in_other, today), _answers(text, in_other, found, today=today))
    return found or parse(text, calendar=calendar)


_AGE = re.compile(r"([0-9]{1,3})(?:\s+(\S+))?")
AGE_MARGIN = 1  # years: whoever says "about 15" may mean 14 or 16


def born_about(age: int, on: date) -> date:
    """Return the first day on which somebody may be born who was about this age on a day, `AGE_MARGIN` included."""
    return _years_earlier(on, age + AGE_MARGIN + 1) + timedelta(days=1)


def last_born_about(first: date) -> date:
    """Return the last day on which they may be born, where `born_about` returned the first one."""
    years = 2 * AGE_MARGIN + 1
    try:
        return first.replace(year=first.year + years) - timedelta(days=1)
    except ValueError:  # 29 February
        return date(first.year + years, 2, 28)


def _years_earlier(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return date(day.year - years, 2, 28)


def _age_of(text: str, *, calendar: Calendar, today: date, meant: str) -> ParsedDate | None:
    """Parse an age, said today ("15") or on a day ("15 2083-01-20"); None where the text is none.

    Raises NotADate, or Doubt where the day is likely in the other calendar only.
    """
    found = _AGE.fullmatch(latin_digits(text.strip()))
    if found is None:
        return None
    age, typed = int(found[1]), found[2] or written(today, calendar)
    if age > OLDEST:
        raise NotADate(_("An age is at most %(years)s years.") % {"years": OLDEST})
    other = other_calendar(calendar)
    said, in_other = (_said_on(typed, each, today) for each in (calendar, other))
    if said is None and in_other and meant == answer(other, text):
        said, calendar = in_other, other
    elif said is None and in_other:
        words = {"day": _long(in_other)}
        label = _("Bikram Sambat: %(day)s AD") if other == "bs" else _("AD: %(day)s")
        raise Doubt(
            _("In which calendar is the day on which the age was said?"), {answer(other, text): label % words}
        )
    if said is None:
        day = _whole(parse(typed, calendar=calendar), today)
        raise NotADate(record_problem(day, today=today) or _("The age was said too long ago."))
    return ParsedDate(born_about(age, said), Precision.AGE, calendar, f"{age} {typed}")


def _said_on(text: str, calendar: Calendar, today: date) -> date | None:
    """Return the day on which an age was said; None where it is no whole day of the last `YEARS_AROUND` years."""
    found = _read(text, calendar)
    if found is None or found.precision != Precision.DAY or found.date > today:
        return None
    return found.date if years_between(found.date, today) < YEARS_AROUND else None


def written(day: date, calendar: Calendar) -> str:
    """Return a day as people write it in a calendar. Raises NotADate for a day that the table of BS months lacks."""
    return "{}-{:02}-{:02}".format(*to_bs(day)) if calendar == "bs" else day.isoformat()


def in_other_calendar(found: ParsedDate) -> str:
    """Return a date, as exact as it was typed, in the calendar in which it wasn't typed; NotADate where it has none.

    A year of one calendar lies in two of the other, and so may a month.
    """
    if found.precision == Precision.AGE:
        said_on = found.as_typed.partition(" ")[2]
        return in_other_calendar(parse(said_on, calendar=found.calendar))
    if found.precision == Precision.DAY:
        if found.calendar == "bs":
            return _("%(day)s AD") % {"day": _long(found.date)}
        return _("%(day)s BS") % {"day": "{}-{:02}-{:02}".format(*to_bs(found.date))}
    within = found.date + timedelta(days=27 if found.precision == Precision.MONTH else 364)
    first, last = (day.year if found.calendar == "bs" else to_bs(day)[0] for day in (found.date, within))
    if first == last:
        return (_("%(day)s AD") if found.calendar == "bs" else _("%(day)s BS")) % {"day": first}
    years = {"year": first, "next": last}
    return (_("%(year)s or %(next)s AD") if found.calendar == "bs" else _("%(year)s or %(next)s BS")) % years


def birth_problem(birth: date, *, today: date) -> str:
    """Return why no beneficiary can be born on this day; "" if it is possible."""
    if birth > today:
        return _("The date of birth is in the future.")
    if years_between(birth, today) > OLDEST:
        return _("The date of birth is more than %(years)s years ago.") % {"years": OLDEST}
    return ""


def _read(text: str, calendar: Calendar) -> ParsedDate | None:
    try:
        return parse(text, calendar=calendar)
    except NotADate:
        return None


def _long(day: date) -> str:
    return date_format(day, "DATE_FORMAT")


def _question(found: ParsedDate | None, in_other: ParsedDate, today: date) -> str:
    if found is None:
        return _("There is no such day in this calendar. Do you mean the other one?")
    words = {"typed": found.as_typed, "year": found.date.year, "age": years_between(found.date, today)}
    if found.calendar == "bs":
        return _("%(typed)s BS is %(year)s AD: %(age)s years old. Is it AD?") % words
    words["year"] = in_other.date.year
    return _("%(typed)s AD is in the future. Is it Bikram Sambat? That is %(year)s AD.") % words


def _answers(text: str, *readings: ParsedDate | None, today: date) -> dict[str, str]:
    """Return each reading that isn't None as an answer: the calendar, the AD year, the age."""
    return {
        answer(reading.calendar, text): _in_words(reading, today)
        for reading in readings
        if reading is not None
    }


def _in_words(reading: ParsedDate, today: date) -> str:
    if reading.date > today:
        return _("AD: in the future")
    words = {"year": reading.date.year, "age": years_between(reading.date, today)}
    if reading.calendar == "bs":
        return _("Bikram Sambat: %(year)s AD, %(age)s years old") % words
    return _("AD: %(age)s years old") % words
