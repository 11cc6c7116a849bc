"""The API of referrals and transfers: sent by the lead, answered from either side."""

import pytest

from beneficiaries.models import Case, Consent, Referral
from core.context import acting_as
from tests import factories
from tests.api.program import Program, fields_of, problem_of, sharing

pytestmark = pytest.mark.django_db
A, B, READER, SUPERVISOR = "ngo_a_caseworker", "ngo_b_caseworker", "ngo_a_reader", "iom_supervisor"


@pytest.fixture
def program(demo_users):
    return lambda username: Program(demo_users[username])


@pytest.fixture
def case(demo_users) -> Case:
    with acting_as(demo_users[A]):
        return factories.a_case(demo_users[A])


def _referring(case: Case, **changes) -> dict:
    return {"service": "Legal advice", "items": ["name", "sex"], **sharing(case, "NGO_B"), **changes}


def test_a_referral_from_sending_to_its_end(case, program, demo_users):
    sent = program(A).post("referrals/", _referring(case))
    assert sent.status_code == 201, sent.content
    row = sent.json()
    assert row["items"] == [{"name": "name", "value": "Sunita Tamang"}, {"name": "sex", "value": "Female"}]
    with acting_as(demo_users[A]):
        consent = Consent.objects.visible_to(demo_users[A]).get(case=case, purpose="referral")
        assert (consent.organisation.code, consent.is_given) == ("NGO_B", True)
    address = f"referrals/{row['id']}/"
    assert program(B).get(address).json() == row
    assert program(B).get(f"cases/{case.pk}/").status_code == 404
    assert program(READER).post(f"{address}answer/", {"state": "finished"}).status_code == 403
    accepted = program(B).post(f"{address}answer/", {"state": "accepted", "answer": "Come on Sunday."})
    assert (accepted.status_code, accepted.json()["state"]) == (200, "accepted")
    assert program(B).post(f"{address}answer/", {"state": "declined"}).status_code == 409
    finished = program(B).post(f"{address}answer/", {"state": "finished"})
    assert (finished.status_code, finished.content) == (204, b"")
    assert program(B).get(address).status_code == 404
    assert program(A).get(address).json()["state"] == "finished"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"items": []}, "items"),
        ({"items": ["name", "secret"]}, "items"),
        ({"service": ""}, "service"),
        ({"consent": {"given_by": "best_interests"}}, "consent.given_by"),
        ({"consent": {"agrees": False}}, "consent.agrees"),
    ],
)
def test_an_invalid_referral_is_refused(case, program, demo_users, changes, field):
    response = program(A).post("referrals/", _referring(case, **changes))
    assert response.status_code == 400
    assert field in {name.removesuffix(".0") for name in fields_of(response)}
    with acting_as(demo_users[A]):
        assert Referral.objects.visible_to(demo_users[A]).filter(case=case).count() == 0
        assert Consent.objects.visible_to(demo_users[A]).filter(case=case, purpose="referral").count() == 0


def test_only_the_lead_sends_and_offers(case, program, demo_users):
    """IOM works on the case and finds it; the second NGO gets the answer for a missing case."""
    with acting_as(demo_users[A]):
        factories.share_with_iom(case, demo_users[A])
    for path, body in (("referrals/", _referring(case)), ("transfers/", sharing(case, "NGO_B"))):
        assert program(SUPERVISOR).post(path, body).status_code == 403, path
        assert fields_of(program(B).post(path, body)) == {"case"}, path


def test_an_unshared_case_is_not_referred_with_summary_access(case, program, demo_users):
    with acting_as(demo_users[A]):
        factories.admitted(case, demo_users[A])
    assert program(SUPERVISOR).get(f"cases/{case.pk}/").status_code == 200
    assert program(SUPERVISOR).post("referrals/", _referring(case)).status_code == 403


def test_a_case_is_transferred(case, program, demo_users):
    offered = program(A).post("transfers/", sharing(case, "NGO_B"))
    assert offered.status_code == 201, offered.content
    assert program(A).post("transfers/", sharing(case, "IOM")).status_code == 409
    address = f"transfers/{offered.json()['id']}/"
    assert program(B).get(address).json() == offered.json()
    refused = program(B).post(f"{address}answer/", {"state": "accepted"})
    assert (refused.status_code, fields_of(refused)) == (400, {"caseworker"})
    stranger = program(B).post(
        f"{address}answer/", {"state": "accepted", "caseworker": str(demo_users[A].pk)}
    )
    assert (stranger.status_code, fields_of(stranger)) == (400, {"caseworker"})
    taken = program(B).post(f"{address}answer/", {"state": "accepted", "caseworker": str(demo_users[B].pk)})
    assert (taken.status_code, taken.json()["state"]) == (200, "accepted")
    assert program(B).post(f"{address}answer/", {"state": "declined"}).status_code == 409
    file = program(B).get(f"cases/{case.pk}/").json()["file"]
    assert file["caseworker"]["id"] == str(demo_users[B].pk)
    for gone in (address, f"cases/{case.pk}/", f"beneficiaries/{case.beneficiary_id}/"):
        assert program(A).get(gone).status_code == 404


@pytest.mark.parametrize(("username", "state", "status"), [(B, "declined", 204), (A, "taken_back", 200)])
def test_an_ended_offer_is_visible_to_its_sender_only(case, program, username, state, status):
    key = program(A).post("transfers/", sharing(case, "NGO_B")).json()["id"]
    other = A if username == B else B
    assert program(other).post(f"transfers/{key}/answer/", {"state": state}).status_code == 403
    assert program(username).post(f"transfers/{key}/answer/", {"state": state}).status_code == status
    assert program(A).get(f"transfers/{key}/").json()["state"] == state
    assert problem_of(program(B).get(f"transfers/{key}/"))["status"] == 404


@pytest.mark.parametrize("path", ["referrals", "transfers"])
def test_a_list_is_filtered_by_case_and_state(path, case, program, demo_users):
    with acting_as(demo_users[A]):
        factories.referred(case, demo_users[A], factories.organisation("NGO_B"))
        factories.offered(case, demo_users[A], "IOM")
    state = {"referrals": "sent", "transfers": "offered"}[path]
    assert len(program(A).keys(path, case=str(case.pk), state=state)) == 1
    assert program(A).keys(path, case=str(case.pk), state="declined") == []
