"""Every deed with a body that is right in all but who sends it, by everyone who may not, Python's scope off.

The database alone keeps each row as it was. At the end of each the right person sends the very same body, and
rows change: what was refused before was the sender, not the body.
"""

import json
import uuid
from dataclasses import dataclass

import pytest

from core.clock import now
from core.context import acting_as
from projects.models import BudgetLine
from reintegration import operations
from reintegration.models import FollowUp
from tests import story, unscoped
from tests.test_access import ANSWERS, DECIDES, EVERYONE, LEADS, PROTECTION, WRITES, enter

EMERGENCY = "She called and was then cut off; no one answers."


@dataclass
class Deed:
    """One thing that can be sent; `right` are those who may, and the first of them does in the end."""

    name: str
    address: str
    body: dict
    right: set[str]

    def send(self, client):
        if self.address.startswith("/api/"):
            return client.post(self.address, json.dumps(self.body), content_type="application/json")
        return client.post(self.address, self.body | self._keys())

    def _keys(self) -> dict[str, str]:
        return {f"{prefix}form_key": str(uuid.uuid4()) for prefix in ("", "decide-")}


SHARING = {"agrees": "yes", "given_by": "self", "reason": "", "how": "spoken"}
VISIT = {"outcome": "seen", "wellbeing": "good", "note": "Well."}


def _deeds(target: str, username: str, code: str, cast) -> list[Deed]:
    """Each deed on a case of this organisation that has come just so far; shared with IOM where it is `a`."""
    by, today = cast[username], now().date().isoformat()
    colleague = story.a_colleague(f"colleague_{target}", code)

    def a_case():
        case = story.a_case(by, code)
        return case, story.share_with_iom(case, by, agrees=target == "a")

    with acting_as(by):
        screened, consent = a_case()
        story.screened(screened, by)
        closing, closing_by_api, admitted, planned = (a_case()[0] for _ in range(4))
        story.admitted(admitted, by)
        plan = story.planned(planned, by)
        visit, visit_by_api = (
            FollowUp.objects.visible_to(by).filter(case=case)[0].pk for case in (admitted, planned)
        )
        grants = [story.requested(story.planned(a_case()[0], by), by) for _ in range(5)]
        paper = story.a_document(screened, by)
        referral = story.referred(screened, by, story.organisation("NGO_B" if target == "a" else "NGO_A"))
    with acting_as(cast["iom_supervisor"]):
        for grant in grants[2:4]:
            operations.endorse_grant(grant=grant, by=cast["iom_supervisor"], now=now())
    story.approved(grants[4], cast)
    writes, leads = WRITES[target], LEADS[target]
    answers = writes | ANSWERS[target]  # the wall's line for answers is whoever works on it, and the receiver
    file, api = f"/cases/{screened.reference}", "/api/v1"
    endorsing, endorsing_by_api, approving, refusing, paying = (grant.pk for grant in grants)
    line = str(BudgetLine.objects.get(project=story.project(), code="grants").pk)
    note = {"text": "Seen at the office.", "confidentiality": "normal"}
    assessed = {"level": "low", "reason": "She lives with her sister now."}
    refer = {"receiver": str(story.organisation("NGO_C").pk), "service": "Legal advice", "items": ["name"]}
    decision = {"which": "decision", "decide-decision": "admitted", "decide-enrolled_on": today}
    agreed = {"livelihood": "tea_shop", "goal": "A tea shop.", "steps": "", "agreed_on": today}
    plan_page = f"/cases/{admitted.reference}/programmes/RASNM-2/plan/"
    ask, visited = (
        {"amount_npr": "100", "budget_line": line, "purpose": "A stove."},
        VISIT | {"done_on": today},
    )
    pay = {"amount_npr": "100", "voucher": "V", "paid_on": today}
    take_out = {"reason": "For the yearly meeting.", "organisation": str(story.organisation(code).pk)}
    glass = {"reference": closing.reference, "reason": EMERGENCY}
    return [  # what opens the file to IOM stands last
        Deed("note", f"{file}/notes/new/", note, writes),
        Deed("assess the risk", f"{file}/risk/", assessed, writes),
        Deed(
            "assess the risk by API",
            f"{api}/risk-assessments/",
            assessed | {"case": str(screened.pk)},
            writes,
        ),
        Deed("throw away", f"{file}/documents/{paper.pk}/remove/", {"why": "Of another case."}, leads),
        Deed("refer", f"{file}/referrals/new/", SHARING | refer | {"reason_for_referral": "A case."}, leads),
        Deed(
            "reassign",
            f"{file}/caseworker/",
            {"caseworker": str(colleague.pk), "note": "She is away."},
            leads,
        ),
        Deed("answer", f"/referrals/{referral.pk}/", {"state": "finished", "answer": "Done."}, answers),
        Deed("admit", f"{file}/programmes/RASNM-2/", decision, writes),
        Deed("plan", plan_page, agreed, writes),
        Deed("ask", f"/cases/{planned.reference}/plans/{plan.pk}/grant/", ask, writes),
        Deed("visit", f"/follow-ups/{visit}/", visited | {"counts": "yes"}, writes),
        Deed("visit by API", f"{api}/follow-ups/{visit_by_api}/record/", visited | {"counts": True}, writes),
        Deed("endorse", f"/grants/{endorsing}/endorse/", {}, DECIDES["endorse"]),
        Deed("endorse by API", f"{api}/grants/{endorsing_by_api}/endorse/", {}, DECIDES["endorse"]),
        Deed("approve", f"/grants/{approving}/approve/", {}, DECIDES["approve"]),
        Deed("refuse", f"/grants/{refusing}/refuse/", {"refusal": "No."}, DECIDES["approve"]),
        Deed("pay", f"/grants/{paying}/pay/", pay, DECIDES["pay"]),
        Deed("pay by API", f"{api}/grants/{paying}/pay/", pay, DECIDES["pay"]),
        Deed("close", f"/cases/{closing.reference}/close/", {}, writes),
        Deed("close by API", f"{api}/cases/{closing_by_api.pk}/close/", {}, writes),
        Deed("withdraw", f"/cases/{screened.reference}/consents/{consent.pk}/withdraw/", {}, leads),
        Deed("share", f"{file}/sharing/", SHARING, leads),
        Deed("take a list out", "/exports/new/cases/", take_out, leads),
        Deed("emergency", "/emergency/", glass, PROTECTION),
    ]


@pytest.mark.parametrize(
    ("target", "username", "code"), [("a", "ngo_a_caseworker", "NGO_A"), ("b", "ngo_b_caseworker", "NGO_B")]
)
def test_a_right_body_from_the_wrong_person_writes_nothing(
    client, cast, committed, owner, monkeypatch, target, username, code
):
    with acting_as(cast[username]):
        story.a_third_ngo()
    deeds = _deeds(target, username, code, cast)
    client.raise_request_exception = False
    for deed in deeds:
        before, answered = unscoped.digest(owner), {}
        with monkeypatch.context() as patched:
            unscoped.switch_off(patched)
            for person in EVERYONE:
                if person not in deed.right:
                    enter(client, cast, person)
                    answered[person] = deed.send(client).status_code
        assert unscoped.digest(owner) == before, (deed.name, answered)
        enter(client, cast, username if username in deed.right else min(deed.right))
        answer = deed.send(client)
        assert answer.status_code in (200, 201, 302), (deed.name, answer.content.decode()[-3000:])
        assert unscoped.digest(owner) != before, (deed.name, "the right person writes it")
