"""Record consent for a purpose, and withdraw it."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from functools import partial

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Organisation
from beneficiaries import rules
from beneficiaries.models import Case, Consent, ConsentChange
from beneficiaries.operations.correction import (
    apply_correction,
    corrected_columns,
    current_row,
    keep_former,
)
from core import audit, days


@dataclass(frozen=True)
class ConsentAnswer:
    """What can be corrected in a consent: who decided, why nobody could be asked, how, when and until when."""

    given_by: str
    how: str
    asked_on: date
    until_on: date | None = None
    reason: str = ""

    @classmethod
    def of(cls, row: Consent) -> "ConsentAnswer":
        """Return the answer as it is recorded."""
        return cls(**{field.name: getattr(row, field.name) for field in fields(cls)})


def check_giver(*, case: Case, given_by: str, reason: str, on: date) -> None:
    """Raise ValidationError where `given_by` can't consent for a beneficiary of this age."""
    beneficiary = case.beneficiary
    age = rules.youngest_age(beneficiary.birth_on, beneficiary.birth_precision, on)
    problem = rules.consent_problem(given_by=given_by, reason=reason, age=age)
    if problem:
        raise ValidationError({"given_by": problem})


@transaction.atomic
def record_consent(
    *,
    case: Case,
    purpose: str,
    organisation: Organisation | None,
    is_given: bool,
    given_by: str,
    how: str,
    reason: str = "",
    until_on: date | None = None,
    by,
    now: datetime,
) -> Consent:
    """Save an answer. An earlier answer to the same question ends today; triggers adjust access."""
    if not Case.objects.led_by(by).filter(pk=case.pk).exists():
        raise PermissionDenied
    today = now.date()
    check_giver(case=case, given_by=given_by, reason=reason, on=today)
    if until_on is not None and until_on < today:
        raise ValidationError({"until_on": _("The last day is already over.")})
    if organisation is not None and organisation == case.lead_organisation:
        raise ValidationError(_("This organisation already leads the case."))
    audit.update_and_record(
        Consent.objects.editable_by(by).filter(
            case=case, purpose=purpose, organisation=organisation, withdrawn_on=None
        ),
        withdrawn_on=today,
    )
    consent = Consent(
        case=case,
        purpose=purpose,
        organisation=organisation,
        is_given=is_given,
        given_by=given_by,
        how=how,
        reason=reason,
        asked_on=today,
        until_on=until_on,
        recorded_by=by,
        recorded_at=now,
    )
    consent.save(force_insert=True)
    audit.record(
        by=by,
        verb="consent recorded",
        obj=consent,
        case_id=case.pk,
        now=now,
        detail={"purpose": purpose, "given": is_given},
    )
    return consent


@transaction.atomic
def withdraw_consent(*, consent: Consent, by, now: datetime) -> None:
    """Withdraw a consent from today. The access that it gave ends in the same transaction."""
    if not Consent.objects.editable_by(by).filter(pk=consent.pk, withdrawn_on=None).exists():
        raise PermissionDenied
    consent.withdrawn_on = now.date()
    consent.save(update_fields=["withdrawn_on"])
    audit.record(by=by, verb="consent withdrawn", obj=consent, case_id=consent.case_id, now=now)


@transaction.atomic
def correct_consent(
    *,
    consent: Consent,
    answer: ConsentAnswer,
    version: int,
    reason: str,
    keep: Collection[str] = (),
    by,
    now: datetime,
) -> Consent:
    """Save what was recorded wrongly about an answer, and each former value as a `ConsentChange`.

    It gives no organisation more access: ValidationError where a consent would last longer. `version` and `keep` as in
    `correct_beneficiary`.
    """
    rows = Consent.objects.editable_by(by).select_for_update(of=("self",))
    row = current_row(rows.filter(pk=consent.pk, case__beneficiary__erased_on=None), version)
    former_until = row.until_on
    changed = apply_correction(row, asdict(answer), keep=keep, reason=reason)
    row.clean_fields(exclude=["case", "organisation", "recorded_by"])
    _check_days(row, former_until, now.date())
    check_giver(case=row.case, given_by=row.given_by, reason=row.reason, on=row.asked_on)
    row.save(update_fields=[*corrected_columns(changed), "version"])
    change = partial(ConsentChange, case_id=row.case_id, consent=row)
    keep_former(row, changed, change, verb="consent corrected", reason=reason, by=by, now=now)
    return row


def _check_days(row: Consent, former_until: date | None, today: date) -> None:
    """Raise ValidationError, at the field, where the days of a corrected consent can't be true or give more access."""
    follows = [(row.case.beneficiary.birth_on, rules.BEFORE_BIRTH)]
    problem = days.record_problem(row.asked_on, today=today, follows=follows)
    if not problem and row.asked_on > timezone.localtime(row.recorded_at).date():
        problem = _("The answer was recorded before this day.")
    if not problem and row.withdrawn_on and row.asked_on > row.withdrawn_on:
        problem = _("The consent ended before this day.")
    if problem:
        raise ValidationError({"asked_on": problem})
    if row.until_on and row.until_on < row.asked_on:
        raise ValidationError({"until_on": _("The last day can’t be before the first day.")})
    gives_access = row.is_given and row.organisation_id is not None
    if gives_access and rules.lasts_longer(row.until_on, former=former_until):
        raise ValidationError(
            {
                "until_on": _(
                    "The consent would last longer. Nobody agreed to that: ask the person anew instead."
                )
            }
        )
