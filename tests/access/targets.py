"""The cases that addresses are about: `a`, `b`, and `missing`, which doesn't exist."""

import pytest

from accounts.queries import audit_events
from api.resources import RESOURCES
from beneficiaries.operations.export import write_next_export
from core.clock import now
from core.context import acting_as
from reintegration.models import FollowUp
from tests import factories

TARGETS = ("a", "b", "missing")
# Words that only those who work on the case may find in an answer.
NAMES = {
    "a": {
        "first_name": "Amritakanari",
        "second_name": "Aidikanari",
        "phone": "980-4417001",
        "number": "PA4417001",
    },
    "b": {
        "first_name": "Binitakanari",
        "second_name": "Bhotekanari",
        "phone": "980-4417002",
        "number": "PA4417002",
    },
}


@pytest.fixture
def keys(demo_users) -> dict[str, dict[str, str]]:
    """Return for each target the values of the routes' parameters."""
    found, third = (
        {"missing": {"reference": "ZZZZ-ZZZ-Z", "code": "RASNM-2", "identity_kind": "passport"}},
        factories.a_third_ngo(),
    )
    for target, username, code in (("a", "ngo_a_caseworker", "NGO_A"), ("b", "ngo_b_caseworker", "NGO_B")):
        by = demo_users[username]
        with acting_as(by):
            names = {name: word for name, word in NAMES[target].items() if name != "number"}
            case = factories.a_case(by, code, details=factories.beneficiary_details(**names))
            consent = factories.share_with_iom(case, by, agrees=target == "a")
            plan = factories.planned(case, by)
            grant = factories.requested(plan, by)
            from beneficiaries.operations.draft import start_draft
            from beneficiaries.operations.intake import ConsentGiven

            draft = start_draft(
                organisation=factories.organisation(code),
                consent=ConsentGiven(given_by="self", how="spoken"),
                by=by,
                now=now(),
            )
            other = factories.organisation("NGO_B" if target == "a" else "NGO_A")
            referral = factories.referred(case, by, other)
            offer = factories.offered(case, by, third.code)
            document = factories.a_document(case, by)
            identity = factories.an_identity_document(case, by, number=NAMES[target]["number"])
            asks = "ngo_a_focal_point" if target == "a" else "administrator"
            request = factories.asked_role(demo_users[asks], demo_users["researcher"], "reader", code)
            export = factories.asked_export(by, code, find=case.reference)
            found[target] = {
                "reference": case.reference,
                "code": "RASNM-2",
                "draft_id": str(draft.pk),
                "consent_id": str(consent.pk),
                "document_id": str(document.pk),
                "identity_document_id": str(identity.pk),
                "identity_kind": identity.kind,
                "plan_id": str(plan.pk),
                "grant_id": str(grant.pk),
                "referral_id": str(referral.pk),
                "transfer_id": str(offer.pk),
                "user_id": str(by.pk),
                "membership_id": str(by.memberships.get().pk),
                "request_id": str(request.pk),
                "number": "1",
                "kind": "cases",
                "export_reference": export.reference,
                "follow_up_id": str(FollowUp.objects.visible_to(by).filter(case=case)[0].pk),
            }
        factories.approved(grant, demo_users)
        factories.paid(grant, demo_users)
        assert write_next_export(now=now())
        with acting_as(by):
            found[target] |= {
                kind.lookup_url_kwarg: str(_row_of(kind, by, case).pk)
                for kind in RESOURCES
                if kind.lookup_url_kwarg not in found[target] and kind.noun != "audit-event"
            }
        with acting_as(demo_users["auditor"]):
            event = audit_events(demo_users["auditor"]).filter(case_id=case.pk)[0]
            found[target]["event_id"] = str(event.pk)
    return found


def _row_of(kind, by, case):
    """Return an id of a row of the case in a resource of the API; of any row if the resource has no cases."""
    rows = kind.rows(by)
    if kind.noun == "beneficiary":
        return rows.get(pk=case.beneficiary_id)
    if kind.noun == "case":
        return rows.get(pk=case.pk)
    return rows.filter(case=case)[0] if hasattr(rows.model, "case") else rows[0]
