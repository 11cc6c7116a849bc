"""Conversion between Bikram Sambat (BS), the calendar of Nepal's documents, and Gregorian (AD) dates.

Source: `core/data/bs_months.json`, a table of month lengths from 1970 to 2090 BS (1913-04-13 to 2034-04-13 AD). The
lengths follow no formula: the calendar committee announces them year by year. The table says for each year whether its
sources agree.
"""

import json
import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Literal

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from core.numerals import latin_digits

TABLE = Path(__file__).resolve().parent / "data" / "bs_months.json"
LONGEST_TEXT = 40
_ABOUT = re.compile(r"([0-9]{1,3}) ([0-9]{4}\S+) (AD|BS)")  # an age, and the day on which it was said
_PARTS = re.compile(r"([0-9]{4})(?:([-/.])([0-9]{1,2})(?:\2([0-9]{1,2}))?)?")

Calendar = Literal["ad", "bs"]


class Precision(StrEnum):
    """How exactly a date is known. A date known to the month or year is stored as its first day.

    AGE: of a birth date of which only "about 15 years old on a day" is known (`core.days.born_about`).
    """

    DAY = "day"
    MONTH = "month"
    YEAR = "year"
    AGE = "age"


class NotADate(ValueError):
    """The text or the numbers are not a date; the message is for the user, translated."""


@dataclass(frozen=True)
class ParsedDate:
    """A parsed date: the AD day, its precision, and what was typed in which calendar."""

    date: date
    precision: Precision
    calendar: Calendar
    as_typed: str


@dataclass(frozen=True)
class _Table:
    months: dict[int, tuple[int, ...]]
    first_days: tuple[date, ...]
    first_year: int
    end: date  # the first day after the table


@cache
def _table() -> _Table:
    data = json.loads(TABLE.read_text(encoding="utf-8"))
    months = {int(year): tuple(row["months"]) for year, row in data["years"].items()}
    day = date.fromisoformat(data["first_day_ad"])
    first_days = []
    for lengths in months.values():
        first_days.append(day)
        day += timedelta(days=sum(lengths))
    return _Table(months, tuple(first_days), min(months), day)


def first_year() -> int:
    """Return the first BS year of the table."""
    return _table().first_year


def last_year() -> int:
    """Return the last BS year of the table."""
    return max(_table().months)


def days_in_month(year: int, month: int) -> int:
    """Return how many days a BS month has (29 to 32). Raises NotADate outside the table."""
    months = _table().months
    if year not in months:
        raise NotADate(
            _("The year %(year)s BS is outside the calendar, which runs from %(first)s to %(last)s.")
            % {"year": year, "first": first_year(), "last": last_year()}
        )
    if not 1 <= month <= 12:
        raise NotADate(_("%(month)s is not a month. Months run from 1 to 12.") % {"month": month})
    return months[year][month - 1]


def to_ad(year: int, month: int, day: int) -> date:
    """Return the AD date of a BS day. Raises NotADate."""
    length = days_in_month(year, month)
    if not 1 <= day <= length:
        raise NotADate(
            _("%(day)s is not a day of month %(month)s in %(year)s BS, which has %(length)s days.")
            % {"day": day, "month": month, "year": year, "length": length}
        )
    table = _table()
    days_before = sum(table.months[year][: month - 1]) + day - 1
    return table.first_days[year - table.first_year] + timedelta(days=days_before)


def to_bs(on: date) -> tuple[int, int, int]:
    """Return the BS year, month and day of an AD date. Raises NotADate outside the table."""
    table = _table()
    if not table.first_days[0] <= on < table.end:
        raise NotADate(
            _("%(date)s is outside the Bikram Sambat calendar, which runs from %(first)s to %(last)s.")
            % {
                "date": on.isoformat(),
                "first": table.first_days[0].isoformat(),
                "last": (table.end - timedelta(days=1)).isoformat(),
            }
        )
    index = bisect_right(table.first_days, on) - 1
    year = table.first_year + index
    left = (on - table.first_days[index]).days
    for month, length in enumerate(table.months[year], start=1):
        if left < length:
            return year, month, left + 1
        left -= length
    raise AssertionError(f"{TABLE.name}: year {year} is shorter than its own length")


def _ad(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError as error:
        raise NotADate(
            _("%(day)s is not a day of month %(month)s in %(year)s.")
            % {"day": day, "month": month, "year": year}
            if 1 <= month <= 12 and year
            else _("There is no month %(month)s in the year %(year)s.") % {"month": month, "year": year}
        ) from error


def as_said(typed: str) -> str:
    """A date as it was typed ("2049-11-16 BS"), its calendar in the reader's language; of an age both calendars."""
    day, _space, calendar = typed.rpartition(" ")
    about = _ABOUT.fullmatch(latin_digits(typed))
    if about:
        said = parse(about[2], calendar="bs" if calendar == "BS" else "ad").date
        words = {
            "age": about[1],
            "day": date_format(said),
            "other": "{}-{:02}-{:02}".format(*to_bs(said)),
        }
        return _("about %(age)s (said on %(day)s AD, %(other)s BS)") % words
    if calendar == "BS":
        return _("%(day)s BS") % {"day": day}
    return _("%(day)s AD") % {"day": day} if calendar == "AD" else typed


def parse(text: str, *, calendar: Calendar) -> ParsedDate:
    """Parse `2049-11-16`, `2049/11`, `2049` or the same in Devanagari digits. Raises NotADate.

    The caller always says which calendar: in both, 2010 to 2090 are plausible years of a living person's documents, 57
    years apart, and a wrong guess would turn an adult into a child. Year first, then month, then day.
    """
    if calendar not in ("ad", "bs"):
        raise ValueError(f"unknown calendar {calendar!r}: expected 'ad' or 'bs'")
    typed = text.strip()
    found = None
    if len(typed) <= LONGEST_TEXT:
        found = _PARTS.fullmatch(latin_digits(typed))
    if found is None:
        raise NotADate(_("Write the date as year, month and day, such as 2049-11-16, or the year alone."))
    year, _separator, month, day = found.groups()
    precision = Precision.DAY if day else Precision.MONTH if month else Precision.YEAR
    convert = to_ad if calendar == "bs" else _ad
    on = convert(int(year), int(month or 1), int(day or 1))
    return ParsedDate(on, precision, calendar, typed)
