"""Read one row of an HTCDS workbook, with all reasons to refuse it.

Pure: today's date and the lookup of countries are arguments.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from beneficiaries import rules
from beneficiaries.choices import DatePrecision
from beneficiaries.htcds import standard
from beneficiaries.htcds.cell import (
    Unreadable,
    date_of,
    name_of,
    number_of,
    phones_of,
    shown,
    text_of,
    yes_no_of,
)
from beneficiaries.htcds.standard import Field
from core import days
from core.bikram_sambat import NotADate, ParsedDate, parse

CONSENT = "con_Consent"
BIRTH = "prs_Birthdate"
OPENED = "cas_IncomingReferralDate"
SENT_ON = "cas_OutgoingReferralDate"
COUNTRIES = ("prs_Citizenship", "prs_MailingCountry")
NAMES = ("prs_FirstName", "prs_MiddleName", "prs_SecondName")
PHONES = ("prs_HomePhone", "prs_MobilePhone")
LONGEST_NAME = 100
LONGEST = {
    **dict.fromkeys(("prs_MailingCity", "prs_MailingState", "prs_MailingStreet"), 200),
}
# Of each number, as a column without a range could have an infinite one, which JSON can't have.
RANGES = {
    "prs_NumberOfChildren": (0, 99),
    "prs_MailingLongitude": (-180, 180),
    "prs_MailingLatitude": (-90, 90),
    "vic_AgeWhenTrafficked": (0, days.OLDEST),
}
LONGEST_LINE = 1000
LONGEST_TEXT = 10_000

CountryOf = Callable[[str], str | None]


@dataclass(frozen=True)
class Reading:
    """A row as read: parsed values by field name, and reasons to refuse it (none: it can be imported)."""

    values: dict[str, Any]
    refusals: list[str]

    def text(self, name: str) -> str:
        """Return a text or code of the row, or ""."""
        return self.values.get(name, "")

    def day(self, name: str) -> date | None:
        """Return a date of the row, or None."""
        found: ParsedDate | None = self.values.get(name)
        return found.date if found else None


def read_row(cells: Mapping[str, Any], *, today: date, country: CountryOf) -> Reading:
    """Read each cell and check all rules: a file is corrected faster with all reasons at once."""
    values: dict[str, Any] = {}
    refusals: list[str] = []
    if not _consents(cells.get(CONSENT)):
        refusals.append(_("consent is missing"))
    for name, value in cells.items():
        field = standard.fields()[name]
        if name == CONSENT:
            continue
        try:
            values[name] = _read(field, value, country)
        except Unreadable as error:
            refusals.append(f"{field.label} ({name}): {error}")
    if "prs_FirstName" not in cells:
        refusals.append(_("first name is missing"))
    reading = Reading(values, refusals)
    refusals += [*_wrong_dates(reading, today), *_wrong_ages(reading, today)]
    return reading


def _consents(value: object) -> bool:
    """Return whether the cell is a clear yes; empty or unreadable means no consent."""
    try:
        return value is not None and yes_no_of(value)
    except Unreadable:
        return False


def _read(field: Field, value: object, country: CountryOf) -> Any:
    if field.type == "Date":
        return date_of(value)
    if field.type == "Checkbox":
        return yes_no_of(value)
    if field.type == "Number":
        return _between(number_of(value), *RANGES[field.name])
    if field.name in NAMES:
        return _within(name_of(value), LONGEST_NAME)
    if field.name in PHONES:
        return phones_of(value)
    text = text_of(value)
    if field.codes or field.name in COUNTRIES:
        return _coded(field, text, country)
    most = LONGEST.get(field.name, LONGEST_TEXT if field.type == "Long Text" else LONGEST_LINE)
    _within(text, most)
    return text if field.type == "Long Text" else " ".join(text.split())


def _within(text: str, most: int) -> str:
    if len(text) > most:
        raise Unreadable(_("longer than %(most)s characters") % {"most": most})
    return text


def _between(number: float, least: int, most: int) -> float:
    if not least <= number <= most:
        raise Unreadable(_("not between %(least)s and %(most)s") % {"least": least, "most": most})
    return number


def _coded(field: Field, text: str, country: CountryOf) -> str | list[str]:
    """Return the code for a code or label; for a multi-value field the codes of a list divided by semicolons."""
    parts = [part.strip() for part in text.split(";") if part.strip()] if field.is_multi else [text]
    found: dict[str, None] = {}
    for part in parts:
        code = country(part) if field.name in COUNTRIES else field.code_of(part)
        if code is None and field.name == "prs_MailingCountry":
            code = part[:LONGEST_LINE]  # part of an address, which is free text
        if code is None:
            raise Unreadable(_("“%(text)s” is not in the standard's list") % {"text": shown(part)})
        found[code] = None
    return list(found) if field.is_multi else next(iter(found))


def _wrong_dates(reading: Reading, today: date) -> list[str]:
    birth, opened, sent_on = (reading.day(name) for name in (BIRTH, OPENED, SENT_ON))
    wrong = []
    if birth and birth > today:
        wrong.append(
            _("birth date is in the future: %(date)s") % {"date": birth.isoformat()} + _in_bs(birth, today)
        )
    if birth and days.years_between(birth, today) > days.OLDEST:
        wrong.append(_("birth date is more than %(years)s years ago") % {"years": days.OLDEST})
    if opened and opened > today:
        wrong.append(_("incoming referral date is in the future: %(date)s") % {"date": opened.isoformat()})
    if opened and reading.values[OPENED].precision != DatePrecision.DAY:
        wrong.append(_("incoming referral date must include the day"))
    if birth and opened and birth > opened and birth <= today:
        wrong.append(_("birth date is after the incoming referral date"))
    for label, day in ((_("incoming referral date"), opened), (_("outgoing referral date"), sent_on)):
        if day and day < days.FIRST:
            wrong.append(_("%(what)s is before 1900: %(date)s") % {"what": label, "date": day.isoformat()})
    if sent_on and sent_on > today:
        wrong.append(_("outgoing referral date is in the future: %(date)s") % {"date": sent_on.isoformat()})
    return wrong


def _in_bs(birth: date, today: date) -> str:
    """Return a hint where a future AD date would be a possible birth date in Bikram Sambat."""
    try:
        other = parse(birth.isoformat(), calendar="bs").date
    except NotADate:
        return ""
    if days.birth_problem(other, today=today):
        return ""
    return _(" (read as a Bikram Sambat date it is %(date)s AD; the standard takes AD dates)") % {
        "date": other.isoformat()
    }


def _wrong_ages(reading: Reading, today: date) -> list[str]:
    """Return the reason to refuse a child: a child doesn't consent alone, and the standard can't say who did.

    Somebody who may be a child counts as one.
    """
    birth, opened = reading.day(BIRTH), reading.day(OPENED) or today
    if birth is None or birth > opened:
        return []
    if not rules.counts_as_child(birth, reading.values[BIRTH].precision, opened):
        return []
    return [_("a child's consent must be recorded by hand (guardian and child)")]
