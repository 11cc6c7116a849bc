"""Record consent for a purpose, and withdraw it."""

from datetime import date, datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organisation
from beneficiaries import rules
from beneficiaries.models import Case, Consent
from core import audit


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
