"""Open a case: consent, beneficiary and situation in one transaction."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.authority import authority_of
from accounts.choices import Permission
from accounts.models import Organisation
from beneficiaries import rules
from beneficiaries.choices import (
    CaseStatus,
    ConsentPurpose,
    IdentityKind,
    IdentityState,
    NoteKind,
    Risk,
    RiskSource,
)
from beneficiaries.models import Beneficiary, Case, CaseFile, Consent, IdentityDocument
from beneficiaries.operations.note import add_note
from beneficiaries.operations.risk import assess_risk
from core import audit, days, names, phone, reference
from core.access import Confidentiality
from core.integrity import violated

NAMES = ("first_name", "middle_name", "second_name", "name_ne")


@dataclass(frozen=True)
class ConsentGiven:
    """The consent to be helped and to have a file kept."""

    given_by: str
    how: str
    reason: str = ""


@dataclass(frozen=True)
class BeneficiaryDetails:
    """Who the beneficiary is. Districts and local levels by id; the birth date in AD, and as it was typed.

    `citizenship_certificate`: whether they have one, as far as the first interview asks. It is no column of the
    record: opening the case saves it as an identity document.
    """

    first_name: str
    sex: str
    middle_name: str = ""
    second_name: str = ""
    name_ne: str = ""
    birth_on: date | None = None
    birth_precision: str = ""
    birth_as_typed: str = ""
    citizenship: str = ""
    citizenship_certificate: str = IdentityState.UNKNOWN
    home_district_id: UUID | None = None
    home_local_level_id: UUID | None = None
    home_place: str = ""
    phone: str = ""
    safe_contact: str = ""

    @classmethod
    def of(cls, row: Beneficiary) -> "BeneficiaryDetails":
        """Return the details of a record as it is."""
        names = (field.name for field in fields(cls) if field.name != "citizenship_certificate")
        return cls(**{name: getattr(row, name) for name in names})

    @classmethod
    def from_typed(cls, typed: Mapping[str, Any], **columns: Any) -> "BeneficiaryDetails":
        """Return details with the typed values of the same names; `columns`: those that are stored in another way."""
        names = {field.name for field in fields(cls)} & typed.keys()
        return cls(**{name: typed[name] for name in names} | columns)


@dataclass(frozen=True)
class Situation:
    """What brought the beneficiary here. `groups` are codes of `projects.choices.TargetGroup`."""

    groups: list[str]
    primary_group: str
    country_of_stay: str = ""
    current_district_id: UUID | None = None
    risk: str = "unknown"
    narrative: str = ""
    narrative_confidentiality: str = Confidentiality.NORMAL
    needs: str = ""
    htcds: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, row: CaseFile) -> "Situation":
        """Return the situation of a case file as it is."""
        names = (one.name for one in fields(cls) if one.name != "narrative_confidentiality")
        return cls(**{name: getattr(row, name) for name in names})


def require_writer(*, by, organisation: Organisation) -> None:
    """Raise PermissionDenied unless `by` may write cases in the organisation."""
    if not authority_of(by).may(Permission.WRITE_CASES, organisation.pk):
        raise PermissionDenied


def check_birth(
    details: BeneficiaryDetails, consent: ConsentGiven, today: date, asked_on: date | None = None
) -> None:
    """Raise ValidationError where the birth date is impossible, or the consent isn't valid at the age on `asked_on`."""
    problem = details.birth_on and days.birth_problem(details.birth_on, today=today)
    if problem:
        raise ValidationError({"birth": problem})
    age = rules.youngest_age(details.birth_on, details.birth_precision, asked_on or today)
    problem = rules.consent_problem(given_by=consent.given_by, reason=consent.reason, age=age)
    if problem:
        raise ValidationError({"birth": problem})


def checked_details(details: BeneficiaryDetails) -> BeneficiaryDetails:
    """Return the details with names and telephone as they are stored.

    Raises ValidationError where a name has too many marks on a letter or no visible character, or the number is
    invalid.
    """
    for name in NAMES:
        if names.has_too_many_marks(getattr(details, name)):
            raise ValidationError({name: _("One letter has too many marks on it.")})
    tidied: dict[str, Any] = {name: names.tidy(getattr(details, name)) for name in NAMES}
    if not tidied["first_name"]:
        raise ValidationError({"first_name": _("Write the name: what you typed shows no letters.")})
    try:
        return replace(details, **tidied, phone=phone.tidy(details.phone))
    except phone.NotANumber as error:
        raise ValidationError({"phone": str(error)}) from error


@transaction.atomic
def open_case(
    *,
    organisation: Organisation,
    consent: ConsentGiven,
    details: BeneficiaryDetails,
    situation: Situation,
    by,
    now: datetime,
    opened_on: date | None = None,
    status: str = CaseStatus.ACTIVE,
    closed_on: date | None = None,
    import_key: str | None = None,
) -> Case:
    """Save a beneficiary who consented, and open a case that the organisation leads.

    An imported case has an earlier `opened_on`, which is also the day of consent, its `status`, and its `import_key`.
    """
    require_writer(by=by, organisation=organisation)
    today = now.date()
    opened_on = opened_on or today
    follows = [(details.birth_on, rules.BEFORE_BIRTH)]
    problem = days.record_problem(opened_on, today=today, follows=follows)
    if problem and (details.birth_on is None or details.birth_on <= today):
        raise ValidationError({"opened_on": problem})
    details = checked_details(details)
    check_birth(details, consent, today, asked_on=opened_on)
    if rules.missing_primary(situation.groups, situation.primary_group):
        raise ValidationError({"primary_group": _("The main situation must be one of those that you chose.")})
    columns = asdict(details)
    certificate = columns.pop("citizenship_certificate")
    beneficiary = Beneficiary(organisation=organisation, registered_on=today, created_at=now, **columns)
    beneficiary.find_key = find_key(beneficiary)
    beneficiary.clean_fields()
    beneficiary.save(force_insert=True)
    _save_certificate(beneficiary, certificate, by, now)
    case = Case(
        beneficiary=beneficiary,
        lead_organisation=organisation,
        status=status,
        opened_on=opened_on,
        closed_on=closed_on,
        changed_on=today,
        import_key=import_key,
        created_at=now,
    )
    _save_under_a_new_reference(case)
    _write_situation(case, situation, by, now)
    Consent(
        case=case,
        purpose=ConsentPurpose.SERVICES,
        is_given=True,
        asked_on=opened_on,
        recorded_by=by,
        recorded_at=now,
        **asdict(consent),
    ).save(force_insert=True)
    audit.record(by=by, verb="case opened", obj=case, case_id=case.pk, now=now)
    if situation.risk != Risk.UNKNOWN:
        assess_risk(case=case, level=situation.risk, source=RiskSource.INTAKE, by=by, now=now)
    return case


def _save_certificate(beneficiary: Beneficiary, state: str, by, now: datetime) -> None:
    """Save whether they have a citizenship certificate, where that is known."""
    if state == IdentityState.UNKNOWN:
        return
    row = IdentityDocument(
        beneficiary=beneficiary, kind=IdentityKind.CITIZENSHIP, state=state, recorded_by=by, recorded_at=now
    )
    row.clean_fields(exclude=["beneficiary", "recorded_by"])
    row.save(force_insert=True)


def _write_situation(case: Case, situation: Situation, by, now: datetime) -> None:
    """Save the case file; a narrative that isn't for everyone becomes a note of its confidentiality instead."""
    fields = asdict(situation)
    confidentiality, _risk = fields.pop("narrative_confidentiality"), fields.pop("risk")
    narrative = fields["narrative"] if confidentiality != Confidentiality.NORMAL else ""
    if narrative:
        fields["narrative"] = ""
    CaseFile(case=case, caseworker=by, **fields).save(force_insert=True)
    if narrative:
        add_note(
            case=case,
            text=narrative,
            confidentiality=confidentiality,
            kind=NoteKind.NARRATIVE,
            by=by,
            now=now,
        )


def _save_under_a_new_reference(case: Case) -> None:
    """Save under a random reference; try another one where it is taken, three times in all."""
    for tries_left in (2, 1, 0):
        case.reference = reference.make()
        try:
            with transaction.atomic():
                case.save(force_insert=True)
            return
        except IntegrityError as error:
            if violated(error) != "beneficiaries_case_reference_once" or not tries_left:
                raise


def find_key(beneficiary: Beneficiary) -> str:
    """Return the search key of a beneficiary: the name in lower case, in Latin letters and then in Devanagari."""
    return names.key(f"{beneficiary.name} {beneficiary.name_ne}")[:320]
