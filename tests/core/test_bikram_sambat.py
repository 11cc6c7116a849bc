"""Bikram Sambat dates: the table, both directions, and what people type."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bikram_sambat import (
    NotADate,
    ParsedDate,
    Precision,
    days_in_month,
    first_year,
    last_year,
    parse,
    to_ad,
    to_bs,
)

FIRST, LAST = date(1913, 4, 13), date(2034, 4, 13)

# Days that Nepal's history and calendars name in both calendars.
KNOWN = [
    ((1970, 1, 1), date(1913, 4, 13)),
    ((1990, 10, 2), date(1934, 1, 15)),  # the earthquake of Nepal and Bihar
    ((2007, 11, 7), date(1951, 2, 18)),  # Democracy Day
    ((2058, 2, 19), date(2001, 6, 1)),  # the royal massacre
    ((2063, 1, 11), date(2006, 4, 24)),  # Loktantra Day
    ((2065, 2, 15), date(2008, 5, 28)),  # Republic Day
    ((2072, 1, 12), date(2015, 4, 25)),  # the Gorkha earthquake
    ((2072, 6, 3), date(2015, 9, 20)),  # Constitution Day
    ((2080, 1, 1), date(2023, 4, 14)),
    ((2081, 1, 1), date(2024, 4, 13)),
    ((2082, 1, 1), date(2025, 4, 14)),
]


@pytest.mark.parametrize(("bs", "ad"), KNOWN)
def test_known_days_agree_in_both_directions(bs, ad):
    assert to_ad(*bs) == ad
    assert to_bs(ad) == bs


@given(st.dates(min_value=FIRST, max_value=LAST))
def test_every_ad_date_comes_back(on):
    assert to_ad(*to_bs(on)) == on


def test_every_day_of_the_table_follows_the_day_before():
    expected = FIRST
    for year in range(first_year(), last_year() + 1):
        for month in range(1, 13):
            for day in (1, days_in_month(year, month)):
                assert to_bs(to_ad(year, month, day)) == (year, month, day)
            assert to_ad(year, month, 1) == expected
            expected += timedelta(days=days_in_month(year, month))
    assert expected == LAST + timedelta(days=1)


def test_each_year_has_365_or_366_days_in_months_of_29_to_32():
    for year in range(first_year(), last_year() + 1):
        lengths = [days_in_month(year, month) for month in range(1, 13)]
        assert set(lengths) <= {29, 30, 31, 32}
        assert sum(lengths) in {365, 366}


@pytest.mark.parametrize("text", ["2049-11-16", "2049/11/16", "2049.11.16", "२०४९-११-१६", " २०४९/११/१६ "])
def test_a_bs_day_is_read_in_either_script(text):
    assert parse(text, calendar="bs") == ParsedDate(date(1993, 2, 27), Precision.DAY, "bs", text.strip())


def test_an_ad_day_is_read_as_written():
    assert parse("1993-03-01", calendar="ad") == ParsedDate(
        date(1993, 3, 1), Precision.DAY, "ad", "1993-03-01"
    )


def test_the_same_text_means_another_day_in_the_other_calendar():
    assert parse("2015-04-25", calendar="ad").date == date(2015, 4, 25)
    assert parse("2015-04-25", calendar="bs").date == date(1958, 8, 9)


def test_a_month_or_a_year_alone_counts_as_its_first_day():
    assert parse("२०४९/११", calendar="bs") == ParsedDate(to_ad(2049, 11, 1), Precision.MONTH, "bs", "२०४९/११")
    assert parse("2049", calendar="bs") == ParsedDate(date(1992, 4, 13), Precision.YEAR, "bs", "2049")
    assert parse("1993", calendar="ad") == ParsedDate(date(1993, 1, 1), Precision.YEAR, "ad", "1993")


@pytest.mark.parametrize(
    "text",
    ["", "soon", "49-11-16", "16-11-2049", "2049-11/16", "2049-", "2049-11-16-1", "٢٠٤٩-١١-١٦", "2" * 10_000],
)
def test_an_invalid_date_is_refused_with_an_example(text):
    with pytest.raises(NotADate, match="such as 2049-11-16"):
        parse(text, calendar="bs")


@pytest.mark.parametrize(
    ("text", "calendar", "message"),
    [
        ("2049-13-01", "bs", "13 is not a month"),
        ("2049-11-32", "bs", "32 is not a day of month 11 in 2049 BS, which has"),
        ("2049-00-01", "bs", "0 is not a month"),
        ("2049-01-00", "bs", "0 is not a day"),
        ("1969-01-01", "bs", "1969 BS is outside the calendar, which runs from 1970 to 2090"),
        ("2091", "bs", "2091 BS is outside"),
        ("1993-02-29", "ad", "29 is not a day of month 2 in 1993"),
        ("1993-13-01", "ad", "no month 13 in the year 1993"),
        ("0000-01-01", "ad", "in the year 0"),
    ],
)
def test_a_day_that_does_not_exist_is_named(text, calendar, message):
    with pytest.raises(NotADate, match=message):
        parse(text, calendar=calendar)


@pytest.mark.parametrize("on", [FIRST - timedelta(days=1), LAST + timedelta(days=1)])
def test_an_ad_date_outside_the_table_is_refused(on):
    with pytest.raises(NotADate, match="outside the Bikram Sambat calendar"):
        to_bs(on)


def test_a_calendar_must_be_named_and_known():
    with pytest.raises(ValueError, match="unknown calendar 'jp'"):
        parse("2049", calendar="jp")
