"""Import cases from a file: each row on its own, and the same row only once."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from functools import cached_property
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.authority import authority_of
from accounts.choices import Permission
from accounts.models import Organisation
from beneficiaries.choices import CaseStatus, ConsentGiver, ConsentHow, Sex
from beneficiaries.htcds import Reading, Table, read_row
from beneficiaries.models import Case
from beneficiaries.operations.intake import BeneficiaryDetails, ConsentGiven, Situation, open_case
from core import audit
from core.bikram_sambat import ParsedDate, Precision
from core.integrity import violated
from geography.models import Country, District, LocalLevel
from geography.queries import (
    PlaceNames,
    UnknownDistrict,
    UnknownLocalLevel,
    require_district,
    require_local_level,
)
from geography.spelling import place_key, ward_beside, with_ward
from projects.choices import TargetGroup

KEYS_AT_ONCE = 1000
LONGEST_PLACE = 200
ISO_LENGTHS = {Precision.YEAR: 4, Precision.MONTH: 7, Precision.DAY: 10}
SEXES = {
    "": Sex.UNKNOWN,
    "NonSpecifiedUnknown": Sex.UNKNOWN,
    "Feminine": Sex.FEMALE,
    "Masculine": Sex.MALE,
}
STATUSES = {
    "": CaseStatus.ACTIVE,
    "Active": CaseStatus.ACTIVE,
    "FollowUp": CaseStatus.FOLLOW_UP,
    "Closed": CaseStatus.CLOSED,
    "ClosedReferred": CaseStatus.CLOSED,
}
GROUPS = {
    "ActualVictimOfTrafficking": TargetGroup.SURVIVOR_OF_TRAFFICKING,
    "PossibleVictimOfTrafficking": TargetGroup.POTENTIAL_VICTIM,
    "NotAVictimOfTrafficking": TargetGroup.RETURNEE_MIGRANT,
    "": TargetGroup.POTENTIAL_VICTIM,
}
# Fields that are saved on the beneficiary; the others are saved unchanged in the case file.
BENEFICIARY_FIELDS = {
    *("prs_FirstName", "prs_MiddleName", "prs_SecondName", "prs_Birthdate", "prs_MobilePhone"),
    *("prs_MailingCity", "prs_MailingState", "prs_MailingStreet"),
}


@dataclass
class ImportReport:
    """The result of each row, by the row number that a spreadsheet shows."""

    remarks: list[str]
    new: int = 0
    already_there: int = 0
    refused: list[tuple[int, list[str]]] = field(default_factory=list)
    warnings: list[tuple[int, str]] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        """The number of rows that have a case now, opened by this import or an earlier one."""
        return self.new + self.already_there

    @property
    def rows(self) -> int:
        """The number of rows with a result."""
        return self.accepted + len(self.refused)


@transaction.atomic
def import_htcds(
    *, table: Table, organisation: Organisation, by, now: datetime, dry_run: bool = False
) -> ImportReport:
    """Open a case for each valid row, led by the organisation; invalid rows are refused and reported.

    A dry run does the same and rolls back, so that its report is the true one.
    """
    if not authority_of(by).may(Permission.WRITE_CASES, organisation.pk):
        raise PermissionDenied
    report, places = ImportReport(list(table.remarks)), Places()
    readings = {
        number: read_row(cells, today=now.date(), country=places.country) for number, cells in table.rows
    }
    report.refused = [(number, reading.refusals) for number, reading in readings.items() if reading.refusals]
    readings = {number: reading for number, reading in readings.items() if not reading.refusals}
    import_keys = dict(zip(readings, _import_keys(list(readings.values()), organisation), strict=True))
    existing = _existing_keys(list(import_keys.values()), organisation, by)
    for number, reading in readings.items():
        if import_keys[number] in existing:
            report.already_there += 1
        else:
            _import_row(
                number,
                reading,
                import_keys[number],
                places,
                report,
                organisation=organisation,
                by=by,
                now=now,
            )
    report.refused.sort(key=lambda row: row[0])
    if report.new:
        detail = {"format": "htcds", "new": report.new, "refused": len(report.refused)}
        audit.record(by=by, verb="cases imported", obj=organisation, now=now, detail=detail)
    if dry_run:
        transaction.set_rollback(True)
    return report


def _import_keys(readings: list[Reading], organisation: Organisation) -> Iterator[str]:
    """Yield a key for each row: a hash of its values, and of its number among equal rows of the file.

    Row numbers, the order of columns and labels in place of codes make no difference.
    """
    seen: Counter[bytes] = Counter()
    for reading in readings:
        text = json.dumps(["htcds", organisation.code, _plain(reading.values)], sort_keys=True)
        digest = sha256(text.encode()).digest()  # the texts of all rows would fill the memory
        seen[digest] += 1
        yield sha256(f"{text} {seen[digest]}".encode()).hexdigest()


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values for JSON: dates in ISO 8601 as far as they are known, codes in alphabetical order."""
    plain = dict(values)
    for name, value in values.items():
        if isinstance(value, list):
            plain[name] = sorted(value)
        elif isinstance(value, ParsedDate):
            plain[name] = value.date.isoformat()[: ISO_LENGTHS[value.precision]]
    return plain


def _existing_keys(keys: list[str], organisation: Organisation, by) -> set[str | None]:
    cases = Case.objects.visible_to(by).filter(lead_organisation=organisation)
    found: set[str | None] = set()
    for start in range(0, len(keys), KEYS_AT_ONCE):
        some = cases.filter(import_key__in=keys[start : start + KEYS_AT_ONCE])
        found.update(some.values_list("import_key", flat=True))
    return found


def _import_row(
    number: int,
    reading: Reading,
    import_key: str,
    places: "Places",
    report: ImportReport,
    *,
    organisation,
    by,
    now,
) -> None:
    """Open the case of one row in its own savepoint, and add the result to the report."""
    warnings: list[str] = []
    try:
        details = _details(reading, places, warnings)
        state = _case_state(reading, now.date(), warnings)
        open_case(
            organisation=organisation,
            consent=ConsentGiven(given_by=ConsentGiver.SELF, how=ConsentHow.FILE),
            details=details,
            situation=_situation(reading, state, details.home_district_id, warnings),
            import_key=import_key,
            by=by,
            now=now,
            **asdict(state),
        )
    except ValidationError as error:
        report.refused.append((number, error.messages))
    except IntegrityError as error:
        if violated(error) != "beneficiaries_case_imported_once":
            raise
        report.already_there += 1  # by a concurrent import
    else:
        report.new += 1
        report.warnings += [(number, warning) for warning in warnings]


@dataclass(frozen=True)
class CaseState:
    """The status of a case, and its dates."""

    status: str
    opened_on: date
    closed_on: date | None


def _case_state(reading: Reading, today: date, warnings: list[str]) -> CaseState:
    """Return the state of a row's case.

    HTCDS has no closing date: the outgoing referral date is used, or else the opening date.
    """
    opened = reading.day("cas_IncomingReferralDate")
    if opened is None:
        warnings.append(
            _("no incoming referral date: the day of the import is used for the opening and the consent")
        )
    opened = opened or today
    status = STATUSES[reading.text("cas_Status")]
    if not reading.text("cas_Status"):
        warnings.append(_("status is empty: taken as active"))
    if status != CaseStatus.CLOSED:
        return CaseState(status, opened, None)
    sent_on = reading.day("cas_OutgoingReferralDate")
    if sent_on and opened <= sent_on <= today:
        return CaseState(status, opened, sent_on)
    warnings.append(_("closed; the standard has no closing date, so the opening date is used"))
    return CaseState(status, opened, opened)


def _situation(
    reading: Reading, state: CaseState, district_id: UUID | None, warnings: list[str]
) -> Situation:
    """Return the situation; the mailing address is taken as where the beneficiary lives."""
    status = reading.text("vic_TraffickingStatus")
    if status == "NotAVictimOfTrafficking":
        warnings.append(_("not a victim of trafficking: taken as a returnee migrant"))
    if not status:
        warnings.append(_("trafficking status is empty: taken as a potential victim"))
    htcds = {name: value for name, value in _plain(reading.values).items() if name not in BENEFICIARY_FIELDS}
    if "prs_MobilePhone" not in reading.values:
        htcds.pop("prs_HomePhone", None)  # it is saved on the beneficiary
    if len(htcds.get("prs_Citizenship", [])) == 1:
        del htcds["prs_Citizenship"]
    if reading.day("cas_IncomingReferralDate") is None:
        htcds["opened_on_from"] = "import"
    if state.closed_on:
        is_sent_on = state.closed_on == reading.day("cas_OutgoingReferralDate")
        htcds["closed_on_from"] = "cas_OutgoingReferralDate" if is_sent_on else "opened_on"
    group = GROUPS[status]
    return Situation(
        groups=[group.value], primary_group=group.value, current_district_id=district_id, htcds=htcds
    )


def _details(reading: Reading, places: "Places", warnings: list[str]) -> BeneficiaryDetails:
    birth = reading.values.get("prs_Birthdate")
    state, city = reading.text("prs_MailingState"), reading.text("prs_MailingCity")
    district, level, problems = None, None, []
    try:
        district = places.district(state)
        level = places.local_level(district, city) if district else None
    except (UnknownDistrict, UnknownLocalLevel) as error:
        problems.append(_("%(problem)s Kept as part of the address.") % {"problem": error})
    if reading.text("prs_MailingCountry") in ("", "NP"):
        warnings += problems
    return BeneficiaryDetails(
        first_name=reading.text("prs_FirstName"),
        middle_name=reading.text("prs_MiddleName"),
        second_name=reading.text("prs_SecondName"),
        sex=SEXES.get(reading.text("prs_Gender"), Sex.OTHER).value,
        birth_on=birth.date if birth else None,
        birth_precision=birth.precision.value if birth else "",
        birth_as_typed=f"{birth.as_typed} AD" if birth else "",
        citizenship=next(iter(reading.values.get("prs_Citizenship", [])), ""),
        home_district_id=district.pk if district else None,
        home_local_level_id=level.pk if level else None,
        home_place=_home_place(reading, has_level=level is not None, has_district=district is not None),
        phone=reading.text("prs_MobilePhone") or reading.text("prs_HomePhone"),
    )


def _home_place(reading: Reading, *, has_level: bool, has_district: bool) -> str:
    """Return what of the address isn't in the lists of places: ward, street, town, region."""
    known = [(reading.text("prs_MailingCity"), has_level), (reading.text("prs_MailingState"), has_district)]
    parts = [reading.text("prs_MailingStreet"), *(text for text, is_known in known if not is_known)]
    wards = (ward_beside(text)[1] for text, is_known in known if is_known)
    place = with_ward(", ".join(filter(None, parts)), next(filter(None, wards), None))
    if len(place) > LONGEST_PLACE:
        raise ValidationError(_("the address is longer than %(most)s characters") % {"most": LONGEST_PLACE})
    return place


class Places:
    """Places by the names that rows give them; each is looked up once per import."""

    def __init__(self) -> None:
        self._answers: dict[tuple[Any, str], Any] = {}
        self._names = PlaceNames()

    @cached_property
    def _countries(self) -> dict[str, str]:
        rows = Country.objects.values_list("code", "alpha3", "name_en", "name_ne")
        return {place_key(word): row[0] for row in rows for word in row if word}

    def country(self, text: str) -> str | None:
        """Return the two-letter code of a country, from either code or a name."""
        return self._countries.get(place_key(text))

    def district(self, text: str) -> District | None:
        """Return the district with this name; None for no text. Raises UnknownDistrict."""
        return self._once(("district", text), lambda: require_district(text, self._names) if text else None)

    def local_level(self, district: District, text: str) -> LocalLevel | None:
        """Return the local level of the district with this name; None for no text. Raises UnknownLocalLevel."""
        return self._once(
            (district.pk, text),
            lambda: require_local_level(text, district, self._names) if text else None,
        )

    def _once(self, place: tuple[Any, str], find: Callable[[], Any]) -> Any:
        """Return, or raise, the result of the first time that this was looked up."""
        if place not in self._answers:
            try:
                self._answers[place] = find()
            except (UnknownDistrict, UnknownLocalLevel) as error:
                self._answers[place] = error
        if isinstance(self._answers[place], ValueError):
            raise self._answers[place]
        return self._answers[place]
