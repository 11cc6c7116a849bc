"""The cases that addresses are about: `a`, `b`, and `missing`, which doesn't exist."""

import pytest

from beneficiaries.models import Consent, EmergencyOpening, Referral
from beneficiaries.operations.export import write_next_export
from core.clock import now
from reintegration.models import FollowUp
from tests import factories
from tests.api.program import KINDS, key_in
from tests.factories.scene import Scene

TARGETS = ("a", "b", "missing")
# The lead of each case, the other NGO, to which it is referred, and who asks for a role in the lead organisation.
LEADS = {
    "a": ("ngo_a_caseworker", "NGO_B", "ngo_a_focal_point"),
    "b": ("ngo_b_caseworker", "NGO_A", "administrator"),
}
WORDS = {"a": ("Amritakanari", "9804417001"), "b": ("Binitakanari", "9804417002")}
# Words that only those who work on the case may find in an answer.
NAMES = {
    target: [f"{word}Firstname", f"{word}Secondname", number] for target, (word, number) in WORDS.items()
}


@pytest.fixture(scope="module")
def keys(own_database) -> dict[str, dict[str, str]]:
    """Return for each target the values of the routes' parameters."""
    fixed = {"code": "RASNM-2", "identity_kind": "passport", "number": "1", "kind": "cases"}
    found = {"missing": {**fixed, "reference": "ZZZZ-ZZZ-Z"}}
    for target, (lead, other, asks) in LEADS.items():
        word, number = WORDS[target]
        scene = Scene(lead, receivers=["NGO_C", other], shares=target == "a", word=word, number=number)
        case, users = scene.whole(EmergencyOpening).case, scene.users
        request = factories.asked_role(users[asks], users["researcher"], "reader", scene.code)
        with scene.acting() as by:
            export = factories.asked_export(by, scene.code, find=case.reference)
        assert write_next_export(now=now())
        with scene.acting() as by:
            found[target] = fixed | {
                **{kind.lookup_url_kwarg: key_in(path, case, by) for path, kind in KINDS.items()},
                "reference": case.reference,
                "draft_id": str(scene.draft.pk),
                "consent_id": str(scene[Consent].pk),
                "referral_id": str(scene[Referral].pk),
                "user_id": str(by.pk),
                "membership_id": str(by.memberships.get().pk),
                "request_id": str(request.pk),
                "export_reference": export.reference,
                "visit_id": str(scene[FollowUp].pk),
                "follow_up_id": str(FollowUp.objects.visible_to(by).filter(case=case, done_on=None)[0].pk),
            }
    return found
