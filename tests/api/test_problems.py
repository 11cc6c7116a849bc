"""Problems: what the API answers to a request that it can't carry out."""

from collections.abc import Iterable
from typing import Any

import pytest

from api.bodies import LARGEST
from core.clock import now
from core.context import acting_as
from projects.models import BudgetLine
from reintegration.models import FollowUp
from tests import factories, walks
from tests.api.program import FINANCE, MISSING, A, fields_of, opening, problem_of, sharing

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("raw", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"7", "application/json", 400),
        (b"null", "application/json", 400),
        (b'"x"', "application/json", 400),
        (b"NaN", "application/json", 400),
        (b'{"organisation": Infinity}', "application/json", 400),
        (b'{"organisation": 1e999}', "application/json", 400),
        (b'{"organisation": ' + b"9" * 5000 + b"}", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"a":' * 20_000 + b"1" + b"}" * 20_000, "application/json", 400),
        (b'{"organisation": "\\u0000"}', "application/json", 400),
        (b'{"\\u0000": 1}', "application/json", 400),
        (b'{"\\ud800": 1}', "application/json", 400),
        (b'{"organisation": "\\ud800"}', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"x": "' + b"y" * LARGEST + b'"}', "application/json", 413),
        (b"<x/>", "application/xml", 415),
        (b"a=b", "application/x-www-form-urlencoded", 415),
        (b"{}", "", 415),
    ],
)
def test_malformed_bodies_are_answered_with_problem_details(program, raw, kind, status):
    response = program(A).post("cases/", raw=raw, kind=kind)
    assert response.status_code == status
    problem_of(response)


def test_other_errors_are_answered_with_problem_details(program):
    asking = program(A)
    for response, status in [
        (asking.get("cases/", Accept="application/xml"), 406),
        (asking.asks("PUT", "cases/"), 405),
        (asking.asks("OPTIONS", "cases/"), 405),
        (asking.post("organisations/", {}), 405),
        (asking.get("nowhere/"), 404),
        (asking.get("cases/17/"), 404),
        (asking.get("cases/%00/"), 400),
        (asking.get("cases/%0A/"), 404),
        (asking.get("cases"), 404),
    ]:
        assert response.status_code == status
        assert problem_of(response)["title"]
    assert asking.get("cases/17/").content == asking.get(f"cases/{MISSING}/").content


def test_a_refusal_is_in_the_language_asked_for(program):
    body = opening(beneficiary={"first_name": ""})
    response = program(A).post("cases/", body, Accept_Language="ne")
    assert response["Content-Language"] == "ne"


def test_an_empty_body_is_accepted_where_an_action_needs_nothing(program, demo_users):
    by = demo_users[A]
    with acting_as(by):
        case = factories.a_case(by)
    assert fields_of(program(A).post(f"cases/{case.pk}/close/", {"why": "x"})) == {"why"}
    assert program(A).asks("POST", f"cases/{case.pk}/close/").status_code == 200


ODD = [None, True, 10**30, 1e308, "", "x" * 20_000, "0001-01-01", "9999-12-31", [None], {"x": {}}]
ODDEST = [10**30, "x" * 20_000, "9999-12-31", [None]]  # in `make test`; all of them in `make soak`


def _with_each_leaf_odd(body: dict, odd_values: Iterable[Any]):
    """Yield the body once for each of its values and each odd value in its place."""
    for name, value in body.items():
        for odd in odd_values:
            yield {**body, name: odd}
        if isinstance(value, dict):
            for below in _with_each_leaf_odd(value, odd_values):
                yield {**body, name: below}


def _bodies(demo_users) -> dict[str, tuple[str, dict]]:
    """Return for each action with a body: who does it, and a body that is accepted."""
    by, today = demo_users[A], now().date().isoformat()
    with acting_as(by):
        asked, case = factories.a_case(by), factories.a_case(by)
        enrolment, plan = (
            factories.admitted(factories.a_case(by), by),
            factories.planned(factories.a_case(by), by),
        )
        grant = factories.requested(factories.planned(case, by), by)
        visit = FollowUp.objects.visible_to(by).filter(case=case)[0]
        third = factories.a_third_ngo()
        referral, offer = factories.referred(asked, by, third), factories.offered(case, by, third.code)
        line = BudgetLine.objects.get(project=factories.project(), code="grants")
    factories.approved(grant, demo_users)
    key = str(asked.pk)
    admission = {"project": str(factories.project().pk), "decision": "not_admitted", "enrolled_on": today}
    return {
        "cases/": (A, opening()),
        "consents/": (A, {"case": key, "purpose": "research", "is_given": True, "until_on": today}),
        "screenings/": (A, {"case": key, "answers": {"is_nepali": True}}),
        "enrolments/": (A, {"case": key, "reason": "No.", **admission}),
        "plans/": (
            A,
            {"enrolment": str(enrolment.pk), "livelihood": "job", "goal": "A job.", "agreed_on": today},
        ),
        "grants/": (
            A,
            {"plan": str(plan.pk), "budget_line": str(line.pk), "amount_npr": "10", "purpose": "A stove."},
        ),
        "referrals/": (A, {"service": "Law", "items": ["name"], **sharing(case, "NGO_B")}),
        f"referrals/{referral.pk}/answer/": ("third", {"state": "accepted", "answer": "x"}),
        "transfers/": (A, sharing(asked, "NGO_B")),
        f"transfers/{offer.pk}/answer/": ("third", {"state": "declined", "caseworker": None}),
        f"grants/{grant.pk}/pay/": (FINANCE, {"amount_npr": "10", "voucher": "V", "paid_on": today}),
        f"follow-ups/{visit.pk}/record/": (
            A,
            {"done_on": today, "outcome": "not_found", "note": "x", "counts": True},
        ),
    }


@pytest.mark.parametrize(
    "odd_values", walks.parameters([ODD, ODDEST], keep=[ODDEST]), ids=["all", "the oddest"]
)
def test_no_odd_value_anywhere_is_a_server_error(demo_users, program, odd_values):
    """An accepted body with each of its values made odd: accepted, refused or in conflict, never 500."""
    statuses: dict[str, set[int]] = {}
    for path, (username, body) in _bodies(demo_users).items():
        asking = program(username)
        for odd in _with_each_leaf_odd(body, odd_values):
            statuses.setdefault(path, set()).add(asking.post(path, odd).status_code)
        assert asking.post(path, body).status_code in (200, 201, 204, 400, 409, 404), (
            "taken, or done by an odd one"
        )
    assert set().union(*statuses.values()) <= {200, 201, 204, 400, 404, 409}, statuses
