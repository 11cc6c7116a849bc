"""Referrals and what is shared with them."""

from accounts.models import Organisation
from beneficiaries.models import Case, Referral
from beneficiaries.operations.consent import record_consent
from beneficiaries.operations.referral import send_referral
from core.clock import now


def referred(
    case: Case, by, receiver: Organisation, *, service="Legal advice", reason="To file a case.", **items
) -> Referral:
    """Refer the case with the beneficiary's consent."""
    record_consent(
        case=case,
        purpose="referral",
        organisation=receiver,
        is_given=True,
        given_by="self",
        how="spoken",
        by=by,
        now=now(),
    )
    return send_referral(
        case=case,
        receiver=receiver,
        service=service,
        reason=reason,
        items=items or {"Name": "Sunita"},
        by=by,
        now=now(),
    )
