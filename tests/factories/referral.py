"""Referrals and what is shared with them."""

from accounts.models import Organisation
from beneficiaries.models import Case, Referral, SharedItem
from beneficiaries.operations.consent import record_consent
from beneficiaries.operations.referral import answer_referral, send_referral
from core.clock import now
from tests.factories.access import a_third_ngo, organisation
from tests.factories.scene import LEADS, NOBODY, RECEIVES, WORKS, WRITES, Scene, makes


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


CASEWORKERS = {"NGO_A": "ngo_a_caseworker", "NGO_B": "ngo_b_caseworker", "NGO_C": "third"}


@makes(Referral, reads=WORKS | RECEIVES, adds=LEADS, changes=WRITES | RECEIVES)
@makes(SharedItem, reads=WORKS | RECEIVES, adds=LEADS, changes=NOBODY)
def _referrals(scene: Scene) -> Referral:
    """One to each receiver, accepted."""
    a_third_ngo()
    texts = {"service": scene.token("service"), "reason": scene.token("referral_reason")}
    for code in scene.receivers:
        with scene.acting() as by:
            items = {scene.token("name"): scene.token("value")}
            referral = referred(scene.case, by, organisation(code), **texts, **items)
        with scene.acting(CASEWORKERS[code]) as receiver:
            answer = scene.token("answer")
            answer_referral(referral=referral, state="accepted", answer=answer, by=receiver, now=now())
    return referral
