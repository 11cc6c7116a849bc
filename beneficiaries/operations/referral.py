"""Referrals: send one, and answer it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.authority import authority_of
from accounts.choices import Permission
from accounts.models import Organisation
from accounts.operations.notice import leave_notices
from accounts.queries import holders, recipients_about_work
from beneficiaries import rules
from beneficiaries.choices import ConsentPurpose, ReferralState
from beneficiaries.models import Case, Consent, Referral, SharedItem
from beneficiaries.operations.consent import record_consent
from beneficiaries.queries.organisation import lead_of
from core import audit


class ReferralActionRefused(ValidationError):
    """The referral isn't in a state for this answer, or one to this receiver is running already."""


@transaction.atomic
def send_referral(
    *,
    case: Case,
    receiver: Organisation,
    service: str,
    reason: str,
    items: Mapping[str, str],
    by,
    now: datetime,
) -> Referral:
    """Send these items, with their present values, to an organisation that the beneficiary consented to."""
    if not Case.objects.led_by(by).filter(pk=case.pk).exists():
        raise PermissionDenied
    if not authority_of(by).may(Permission.REFER_CASES, case.lead_organisation_id):
        raise PermissionDenied
    if receiver.pk == case.lead_organisation_id:
        raise ValidationError({"receiver": _("This organisation already leads the case.")})
    agreed = Consent.objects.visible_to(by).filter(
        case=case, purpose=ConsentPurpose.REFERRAL, organisation=receiver, is_given=True, withdrawn_on=None
    )
    if not agreed.exists():
        raise ValidationError(
            {"receiver": _("Ask the person first: there is no consent for this organisation.")}
        )
    running = Referral.objects.visible_to(by).filter(
        case=case, receiver=receiver, state__in=[ReferralState.SENT, ReferralState.ACCEPTED]
    )
    if running.exists():
        raise ReferralActionRefused(
            {"receiver": _("There is already an open referral to this organisation.")}
        )
    lately = Referral.objects.visible_to(by).filter(
        case=case, receiver=receiver, sent_at__gt=now - timedelta(days=1)
    )
    if lately.count() >= rules.SENT_A_DAY:
        raise ReferralActionRefused(
            {
                "receiver": _(
                    "This case was sent to others too often in the last 24 hours. Try again tomorrow."
                )
            }
        )
    referral = Referral(case=case, receiver=receiver, service=service, reason=reason, sent_by=by, sent_at=now)
    referral.clean_fields(exclude=["case"])
    referral.save(force_insert=True)
    for name, value in items.items():
        SharedItem(case=case, referral=referral, receiver=receiver, name=name, value=value).save(
            force_insert=True
        )
    audit.record(
        by=by,
        verb="referral sent",
        obj=referral,
        case_id=case.pk,
        now=now,
        detail={"items": sorted(items), "receiver": receiver.code},
    )
    leave_notices(
        recipients=holders(Permission.REFER_CASES, receiver.pk),
        key=f"referral:{referral.pk}",
        text=gettext_noop("A referral has arrived from %s."),
        words=(case.lead_organisation.name_en,),
        url=f"/referrals/{referral.pk}/",
        now=now,
    )
    return referral


@transaction.atomic
def answer_referral(*, referral: Referral, state: str, answer: str, by, now: datetime) -> Referral:
    """Accept, decline or finish, as the receiver; the lead may finish too. At the end the receiver's access ends."""
    found = Referral.objects.editable_by(by).select_for_update().filter(pk=referral.pk).first()
    if found is None:
        raise PermissionDenied
    receives = authority_of(by).may(Permission.REFER_CASES, found.receiver_id)
    leads = Case.objects.led_by(by).filter(pk=found.case_id).exists()
    if not (receives or (leads and state == ReferralState.FINISHED)):
        raise PermissionDenied
    allowed = {
        ReferralState.SENT: (ReferralState.ACCEPTED, ReferralState.DECLINED, ReferralState.FINISHED),
        ReferralState.ACCEPTED: (ReferralState.FINISHED,),
    }.get(ReferralState(found.state), ())
    if state not in allowed:
        raise ReferralActionRefused(
            _("The referral is now in this state: %(state)s.") % {"state": found.get_state_display().lower()}
        )
    found.state, found.answer, found.answered_by, found.answered_at = state, answer.strip(), by, now
    found.version += 1
    audit.record(by=by, verb=f"referral {state}", obj=found, case_id=found.case_id, now=now)
    leave_notices(
        recipients=recipients_about_work("referrals", found.sent_by, lead_of(found.case_id, by)),
        key=f"referral-{state}:{found.pk}",
        text=gettext_noop("A referral has been answered."),
        url=f"/referrals/{found.pk}/",
        now=now,
    )
    found.save(update_fields=["state", "answer", "answered_by", "answered_at", "version"])
    return found


@transaction.atomic
def ask_and_refer(
    *,
    case: Case,
    receiver: Organisation,
    service: str,
    reason: str,
    items: Mapping[str, str],
    agrees: bool,
    given_by: str,
    why_nobody_asked: str,
    how: str,
    by,
    now: datetime,
) -> Referral | None:
    """Record what the beneficiary answered, and send the referral; return None where they don't agree."""
    record_consent(
        case=case,
        purpose=ConsentPurpose.REFERRAL,
        organisation=receiver,
        is_given=agrees,
        given_by=given_by,
        how=how,
        reason=why_nobody_asked,
        by=by,
        now=now,
    )
    if not agrees:
        return None
    return send_referral(
        case=case, receiver=receiver, service=service, reason=reason, items=items, by=by, now=now
    )
