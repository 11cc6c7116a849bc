"""Every action with a valid body, sent by everyone who may not do it, with Python's scope switched off.

The policies alone keep each row unchanged. At the end the right user sends the very same body and rows
change: what was refused before was the sender, not the body.
"""

import json
import uuid
from dataclasses import dataclass

import pytest

from core.clock import now
from core.context import acting_as
from projects.models import BudgetLine
from reintegration.models import FollowUp
from reintegration.operations.grant import endorse_grant
from tests import factories, unscoped
from tests.access.test_addresses import ANSWERS, DECIDES, EVERYONE, LEADS, PROTECTION, WRITES, enter

EMERGENCY = "She called and was then cut off; no one answers."


@dataclass
class Action:
    """An action to send; `right` are the users who may do it, and the first of them does so at the end."""

    name: str
    address: str
    body: dict
    right: set[str]

    def send(self, client):
        if self.address.startswith("/api/"):
            return client.post(self.address, json.dumps(self.body), content_type="application/json")
        return client.post(self.address, self.body | self._ids())

    def _ids(self) -> dict[str, str]:
        return {f"{prefix}form_key": str(uuid.uuid4()) for prefix in ("", "decide-")}


SHARING = {"agrees": "yes", "given_by": "self", "reason": "", "how": "spoken"}
VISIT = {"outcome": "seen", "wellbeing": "good", "note": "Well."}


def _actions(target: str, username: str, code: str, demo_users) -> list[Action]:
    """Return each action on a case of this organisation; the case is shared with IOM where `target` is `a`."""
    by, today = demo_users[username], now().date().isoformat()
    colleague = factories.a_colleague(f"colleague_{target}", code)

    def a_case():
        case = factories.a_case(by, code)
        return case, factories.share_with_iom(case, by, agrees=target == "a")

    with acting_as(by):
        screened, consent = a_case()
        factories.screened(screened, by)
        closing, closing_by_api, admitted, planned = (a_case()[0] for _ in range(4))
        factories.admitted(admitted, by)
        plan = factories.planned(planned, by)
        visit, visit_by_api = (
            FollowUp.objects.visible_to(by).filter(case=case)[0].pk for case in (admitted, planned)
        )
        grants = [factories.requested(factories.planned(a_case()[0], by), by) for _ in range(5)]
        document = factories.a_document(screened, by)
        referral = factories.referred(
            screened, by, factories.organisation("NGO_B" if target == "a" else "NGO_A")
        )
    with acting_as(demo_users["iom_supervisor"]):
        for grant in grants[2:4]:
            endorse_grant(grant=grant, by=demo_users["iom_supervisor"], now=now())
    factories.approved(grants[4], demo_users)
    writes, leads = WRITES[target], LEADS[target]
    answers = (
        writes | ANSWERS[target]
    )  # the policy for answers allows whoever works on the case, and the receiver
    file, api = f"/cases/{screened.reference}", "/api/v1"
    endorsing, endorsing_by_api, approving, refusing, paying = (grant.pk for grant in grants)
    line = str(BudgetLine.objects.get(project=factories.project(), code="grants").pk)
    note = {"text": "Seen at the office.", "confidentiality": "normal"}
    assessed = {"level": "low", "reason": "She lives with her sister now."}
    refer = {
        "receiver": str(factories.organisation("NGO_C").pk),
        "service": "Legal advice",
        "items": ["name"],
    }
    decision = {"which": "decision", "decide-decision": "admitted", "decide-enrolled_on": today}
    agreed = {"livelihood": "tea_shop", "goal": "A tea shop.", "steps": "", "agreed_on": today}
    plan_page = f"/cases/{admitted.reference}/programmes/RASNM-2/plan/"
    ask, visited = (
        {"amount_npr": "100", "budget_line": line, "purpose": "A stove."},
        VISIT | {"done_on": today},
    )
    pay = {"amount_npr": "100", "voucher": "V", "paid_on": today}
    take_out = {"reason": "For the yearly meeting.", "organisation": str(factories.organisation(code).pk)}
    glass = {"reference": closing.reference, "reason": EMERGENCY}
    return [  # last, because it opens the file to IOM
        Action("note", f"{file}/notes/new/", note, writes),
        Action("assess the risk", f"{file}/risk/", assessed, writes),
        Action(
            "assess the risk by API",
            f"{api}/risk-assessments/",
            assessed | {"case": str(screened.pk)},
            writes,
        ),
        Action(
            "delete a document", f"{file}/documents/{document.pk}/remove/", {"why": "Of another case."}, leads
        ),
        Action(
            "refer", f"{file}/referrals/new/", SHARING | refer | {"reason_for_referral": "A case."}, leads
        ),
        Action(
            "reassign",
            f"{file}/caseworker/",
            {"caseworker": str(colleague.pk), "note": "She is away."},
            leads,
        ),
        Action("answer", f"/referrals/{referral.pk}/", {"state": "finished", "answer": "Done."}, answers),
        Action("admit", f"{file}/programmes/RASNM-2/", decision, writes),
        Action("plan", plan_page, agreed, writes),
        Action("ask", f"/cases/{planned.reference}/plans/{plan.pk}/grant/", ask, writes),
        Action("visit", f"/follow-ups/{visit}/", visited | {"counts": "yes"}, writes),
        Action(
            "visit by API", f"{api}/follow-ups/{visit_by_api}/record/", visited | {"counts": True}, writes
        ),
        Action("endorse", f"/grants/{endorsing}/endorse/", {}, DECIDES["endorse"]),
        Action("endorse by API", f"{api}/grants/{endorsing_by_api}/endorse/", {}, DECIDES["endorse"]),
        Action("approve", f"/grants/{approving}/approve/", {}, DECIDES["approve"]),
        Action("refuse", f"/grants/{refusing}/refuse/", {"refusal": "No."}, DECIDES["approve"]),
        Action("pay", f"/grants/{paying}/pay/", pay, DECIDES["pay"]),
        Action("pay by API", f"{api}/grants/{paying}/pay/", pay, DECIDES["pay"]),
        Action("close", f"/cases/{closing.reference}/close/", {}, writes),
        Action("close by API", f"{api}/cases/{closing_by_api.pk}/close/", {}, writes),
        Action("withdraw", f"/cases/{screened.reference}/consents/{consent.pk}/withdraw/", {}, leads),
        Action("share", f"{file}/sharing/", SHARING, leads),
        Action("export lists", "/exports/new/cases/", take_out, leads),
        Action("emergency", "/emergency/", glass, PROTECTION),
    ]


@pytest.mark.parametrize(
    ("target", "username", "code"),
    [
        ("a", "ngo_a_caseworker", "NGO_A"),
        pytest.param("b", "ngo_b_caseworker", "NGO_B", marks=pytest.mark.walk),
    ],
)
def test_a_valid_body_from_the_wrong_user_writes_nothing(
    client, demo_users, committed, owner, monkeypatch, target, username, code
):
    with acting_as(demo_users[username]):
        factories.a_third_ngo()
    actions = _actions(target, username, code, demo_users)
    client.raise_request_exception = False
    for action in actions:
        before, answered = unscoped.digest(owner), {}
        with monkeypatch.context() as patched:
            unscoped.switch_off(patched)
            for person in EVERYONE:
                if person not in action.right:
                    enter(client, demo_users, person)
                    answered[person] = action.send(client).status_code
        assert unscoped.digest(owner) == before, (action.name, answered)
        enter(client, demo_users, username if username in action.right else min(action.right))
        answer = action.send(client)
        assert answer.status_code in (200, 201, 302), (action.name, answer.content.decode()[-3000:])
        assert unscoped.digest(owner) != before, (action.name, "the right person writes it")
