"""Days as people type them: which calendar was meant, and what no date can be.

Every form, the API and the import read days here, so that one set of limits holds for all of them.
"""

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from core.bikram_sambat import Calendar, NotADate, ParsedDate, Precision, parse

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

FIRST = date(1900, 1, 1)
YEARS_AROUND = 30
OLDEST = 120  # years


class Doubt(NotADate):
    """The day is unlikely in the calendar that was chosen, and likely in the other: whoever typed it is asked.

    `readings` maps what to answer (see `answer`) to the words of each answer.
    """

    def __init__(self, question: str, readings: dict[str, str]) -> None:
        super().__init__(question)
        self.readings = readings


def answer(calendar: Calendar, typed: str) -> str:
    """What stands for “I meant this calendar”; it holds for this text alone."""
    return f"{calendar} {typed.strip()}"


def years_between(earlier: date, later: date) -> int:
    """Whole years from one day to a later one."""
    return later.year - earlier.year - ((later.month, later.day) < (earlier.month, earlier.day))


def range_problem(day: date, *, today: date) -> str:
    """Why no date of ours can be this day; "" where it can."""
    if day < FIRST:
        return _("The date is before 1900.")
    if years_between(today, day) >= YEARS_AROUND:
        return _("The date is more than %(years)s years ahead.") % {"years": YEARS_AROUND}
    return ""


def record_problem(
    day: date, *, today: date, follows: Iterable[tuple[date | None, "StrOrPromise"]] = ()
) -> str:
    """Why nothing that is on record can have happened on this day; "" where it can.

    `follows`: days of what it follows from, each with the sentence that says that this one is earlier.
    """
    if day > today:
        return _("The date is in the future.")
    too_early = (str(sentence) for earlier, sentence in follows if earlier is not None and day < earlier)
    return range_problem(day, today=today) or next(too_early, "")


def day_of(text: str, *, today: date, is_record: bool, meant: str = "") -> date:
    """Read a whole AD day. A Bikram Sambat day is asked about (`Doubt`) where the AD one can't be meant.

    `is_record`: a day of something that has happened, so never after today. `meant`: the answer to the question.
    """
    if meant == answer("bs", text):
        return _whole(parse(text, calendar="bs"), today)
    try:
        found = parse(text, calendar="ad")
    except NotADate:
        _ask_bs(text, None, today=today, is_record=is_record)
        raise
    if meant != answer("ad", text):
        _ask_bs(text, found.date, today=today, is_record=is_record)
    return _whole(found, today)


def _whole(found: ParsedDate, today: date) -> date:
    if found.precision != Precision.DAY:
        raise NotADate(_("Write the whole date: year, month and day."))
    problem = range_problem(found.date, today=today)
    if problem:
        raise NotADate(problem)
    return found.date


def _ask_bs(text: str, ad: date | None, *, today: date, is_record: bool) -> None:
    """Ask where the text is no likely AD day and a likely Bikram Sambat one."""
    likely = ad is not None and (ad <= today if is_record else not range_problem(ad, today=today))
    bs = None if likely else _read(text, "bs")
    if bs is None or bs.precision != Precision.DAY or years_between(bs.date, today) >= YEARS_AROUND:
        return
    if range_problem(bs.date, today=today) or (is_record and bs.date > today):
        return
    readings = {answer("bs", text): _("Bikram Sambat: %(day)s AD") % {"day": _long(bs.date)}}
    if ad is not None:
        readings[answer("ad", text)] = _("AD: %(day)s") % {"day": _long(ad)}
    raise Doubt(
        _("This is probably not an AD date. In Bikram Sambat it is %(day)s AD. Which do you mean?")
        % {"day": _long(bs.date)},
        readings,
    )


def birth_of(text: str, *, calendar: Calendar, today: date, meant: str = "") -> ParsedDate:
    """Read a birth date, known to the day, month or year, in the calendar chosen.

    1990 BS is somebody of over 90 and 1990 AD a young woman; 2049 AD is to come. Such a year is asked about (`Doubt`).
    """
    other: Calendar = "ad" if calendar == "bs" else "bs"
    if meant == answer(other, text):
        return parse(text, calendar=other)
    found, in_other = _read(text, calendar), _read(text, other)
    # An AD year taken for a Bikram Sambat one makes somebody 57 years older; the other way round nobody is born yet.
    is_doubtful = found is None or (
        meant != answer(calendar, text) and (calendar == "bs" or found.date > today)
    )
    if is_doubtful and in_other and not birth_problem(in_other.date, today=today):
        raise Doubt(_question(found, in_other, today), _answers(text, in_other, found, today=today))
    return found or parse(text, calendar=calendar)


def birth_problem(birth: date, *, today: date) -> str:
    """Why nobody who is helped can be born on this day; "" where somebody can."""
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
    """Each reading that there is: the calendar, the AD year, the age."""
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
