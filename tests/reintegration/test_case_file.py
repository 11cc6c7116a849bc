"""What the case file offers to do next, to whom, and in which order."""

import re

import pytest

from beneficiaries.operations.case import close_case
from core.clock import now
from core.context import acting_as
from tests import factories

pytestmark = pytest.mark.usefixtures("set_up")
A, B = "ngo_a_caseworker", "ngo_b_caseworker"
ALWAYS = ["Write a note", "Add a document or photo", "Change the risk level"]
URGENT = ["Ask for consent to share with IOM", "Assess for a programme"]
LEADING = ["Change the caseworker", "Refer to another organisation"]
ENDING = ["Transfer to another organisation", "Close the case"]
KNOWN = {
    *(*URGENT, *ALWAYS, *LEADING, *ENDING),
    *("Assess for another programme", "Agree a reintegration plan", "Ask for a grant"),
    *("See the transfer offer", "Erase this person for ever"),
}


@pytest.fixture
def case(demo_users):
    with acting_as(demo_users[A]):
        return factories.a_case(demo_users[A])


def offered_to(client, case) -> list[str]:
    """Return the labels of those actions that these tests are about; the primary one has a star."""
    page = client.get(f"/cases/{case.reference}/").content.decode()
    found = re.findall(r'<a class="govuk-button( govuk-button--secondary)?" href="[^"]+">([^<]+)</a>', page)
    return [
        label if secondary else f"* {label}" for secondary, label in found if label.partition(":")[0] in KNOWN
    ]


def test_a_new_case(case, sign_in):
    assert offered_to(sign_in(A), case) == [f"* {URGENT[0]}", URGENT[1], *ALWAYS, *LEADING, *ENDING]
    assert offered_to(sign_in("ngo_a_reader"), case) == []


def test_a_case_in_a_programme(case, demo_users, sign_in):
    with acting_as(demo_users[A]):
        factories.share_with_iom(case, demo_users[A])
        factories.admitted(case, demo_users[A])
    agree, *rest = offered_to(sign_in(A), case)
    assert agree.startswith("* Agree a reintegration plan: ")
    assert rest == ["Assess for another programme", *ALWAYS, *LEADING, *ENDING]


def test_a_plan_without_a_grant(case, demo_users, sign_in):
    with acting_as(demo_users[A]):
        factories.planned(case, demo_users[A])
    labels = [label.partition(":")[0] for label in offered_to(sign_in(A), case)]
    assert labels[:2] == ["* Ask for consent to share with IOM", "Ask for a grant"]


def test_an_offered_case(case, demo_users, sign_in):
    with acting_as(demo_users[A]):
        factories.offered(case, demo_users[A])
    for_lead = ["* Assess for a programme", *ALWAYS, *LEADING, "See the transfer offer"]
    assert offered_to(sign_in(A), case) == for_lead
    assert offered_to(sign_in(B), case) == ["* See the transfer offer", "Assess for a programme", *ALWAYS]


def test_a_closed_case(case, demo_users, sign_in):
    with acting_as(demo_users[A]):
        close_case(case=case, by=demo_users[A], now=now())
    assert offered_to(sign_in(A), case) == []
    assert offered_to(sign_in("ngo_a_supervisor"), case) == ["Erase this person for ever"]
