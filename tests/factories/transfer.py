"""Transfers of cases."""

from beneficiaries.models import Case, CaseTransfer
from beneficiaries.operations.transfer import ask_and_offer, decline_case, take_over_case
from core.clock import now
from core.context import acting_as
from tests.factories.access import a_third_ngo, organisation
from tests.factories.scene import LEADS, NOBODY, WORKS, Scene, makes


def offered(
    case: Case, by, code: str = "NGO_B", *, reason="She moves to her sister.", **changes
) -> CaseTransfer:
    """Offer the case to another organisation with the beneficiary's consent."""
    given = {"agrees": True, "given_by": "self", "why_nobody_asked": "", "how": "spoken"}
    transfer = ask_and_offer(
        case=case, receiver=organisation(code), reason=reason, by=by, now=now(), **given | changes
    )
    assert transfer is not None
    return transfer


def transferred(case: Case, demo_users, *, to="ngo_b_caseworker", by="ngo_a_caseworker") -> CaseTransfer:
    """Transfer the case to the organisation of the user `to`, who becomes its caseworker."""
    receiver = demo_users[to].memberships.get().role.organisation
    with acting_as(demo_users[by]):
        transfer = offered(case, demo_users[by], receiver.code)
    with acting_as(demo_users[to]):
        take_over_case(transfer=transfer, caseworker=demo_users[to], by=demo_users[to], now=now())
    return transfer


@makes(
    CaseTransfer,
    reads=WORKS,
    adds=LEADS,
    changes=NOBODY,
    copy={"state": "offered", "answered_by_id": None, "answered_at": None},
    by="offered_by_id",
)
def _transfers(scene: Scene) -> CaseTransfer:
    """Two offers to a third NGO: one that it declined, and one that waits for its answer."""
    third = a_third_ngo()
    for is_declined in (True, False):
        with scene.acting() as by:
            offer = offered(scene.case, by, third.code, reason=scene.token("transfer_reason"))
        if is_declined:
            with scene.acting("third") as receiver:
                answer = scene.token("transfer_answer")
                decline_case(transfer=offer, answer=answer, by=receiver, now=now())
    return offer
