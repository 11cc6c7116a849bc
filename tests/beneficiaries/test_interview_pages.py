"""The pages of an unfinished interview: listed on Today, prefilled, saved when left, with scripts and
without.
"""

from datetime import timedelta

import pytest
from django.urls import reverse

from beneficiaries.models import Beneficiary, IntakeDraft
from beneficiaries.operations.draft import start_draft
from beneficiaries.operations.intake import ConsentGiven
from core.clock import now
from core.context import acting_as
from tests import factories
from tests.pages import forms_of, submit, text_of

pytestmark = pytest.mark.django_db
A, SUPERVISOR, B = "ngo_a_caseworker", "ngo_a_supervisor", "ngo_b_caseworker"
CONSENT = {"was_told": "on", "agrees": "yes", "given_by": "self", "how": "spoken"}
PERSON = {
    "first_name": "Zzmaya",
    "sex": "female",
    "birth": "1996-05-04",
    "birth_calendar": "ad",
    "home_district": "Sindhupalchok",
    "phone": "9804417001",
    "safe_contact": "After five.",
}


@pytest.fixture
def interview(sign_in):
    """Return the client and the address of the page about the beneficiary, of an interview with consent."""
    client = sign_in(A)
    return client, submit(client, "/cases/new/", CONSENT).request["PATH_INFO"]


def shown(client, address: str) -> dict:
    """Return what the page's form contains when it opens."""
    return forms_of(client.get(address))[-1]["data"]


def test_today_lists_the_interview_with_its_age_and_leads_to_its_next_page(interview, demo_users):
    client, address = interview
    submit(client, address, PERSON | {"go": "later"})
    page = text_of(client.get("/"))
    assert "Zzmaya" in page
    assert "started today" in page
    assert address in page
    submit(client, address, PERSON)
    assert address.replace("beneficiary", "situation") in text_of(client.get("/"))


@pytest.mark.parametrize("way", ["back", "later", "keep"])
def test_invalid_input_is_saved_in_the_draft(interview, way):
    client, address = interview
    half = {"phone": "98044", "birth": "32 May", "home_district": "Sindhu", "safe_contact": "After five."}
    submit(client, address, half | {"go": way})
    found = shown(client, address)
    assert {name: found[name] for name in half} == {name: [value] for name, value in half.items()}


def test_a_refused_page_is_saved_in_the_draft(interview):
    client, address = interview
    submit(client, address, PERSON | {"first_name": ""})
    found = shown(client, address)
    assert (found["phone"], found["home_district"]) == (["9804417001"], ["Sindhupalchok"])


def test_back_and_forth_loses_nothing(interview):
    """A former fault: Back emptied telephone and district unnoticed."""
    client, address = interview
    situation = submit(client, address, PERSON).request["PATH_INFO"]
    half = {"groups": ["stranded_migrant"], "narrative": "She waits.", "current_district": "Jha"}
    assert submit(client, situation, half | {"go": "back"}).request["PATH_INFO"] == address
    assert {name: shown(client, address)[name] for name in PERSON} == {k: [v] for k, v in PERSON.items()}
    consent = submit(client, address, PERSON | {"middle_name": "Devi", "go": "back"}).request["PATH_INFO"]
    assert consent.endswith("/consent/")
    assert shown(client, consent)["given_by"] == ["self"]
    assert submit(client, consent, {}).request["PATH_INFO"] == address
    assert shown(client, address)["middle_name"] == ["Devi"]
    assert submit(client, address, {}).request["PATH_INFO"] == situation
    found = shown(client, situation)
    assert (found["groups"], found["narrative"], found["current_district"]) == (
        ["stranded_migrant"],
        ["She waits."],
        ["Jha"],
    )


def test_saving_a_page_again_stores_the_later_input(interview, demo_users):
    """The browser's own Back shows the same form, with the same form key, once more."""
    client, address = interview
    data = forms_of(client.get(address))[-1]["data"] | PERSON
    client.post(address, data)
    client.post(address, data | {"phone": "9804417099"})
    submit(
        client,
        address.replace("beneficiary", "situation"),
        {"groups": ["stranded_migrant"], "primary_group": "stranded_migrant"},
    )
    with acting_as(demo_users[A]):
        person = Beneficiary.objects.visible_to(demo_users[A]).get(first_name="Zzmaya")
        assert "4417099" in person.phone


def test_a_page_too_long_to_be_saved_says_so_and_stays(interview):
    client, address = interview
    response = submit(client, address, PERSON | {"safe_contact": "x" * 100_001, "go": "later"})
    assert "too long to be saved" in text_of(response)
    assert response.request["PATH_INFO"] == address


def test_a_child_leads_back_to_consent_where_a_guardian_decides(interview):
    client, address = interview
    child = PERSON | {"birth": f"{now().year - 18}"}
    assert "is, or may be, under 18" in text_of(submit(client, address, child))
    consent = address.replace("beneficiary", "consent")
    assert submit(client, consent, {"given_by": "guardian"}).request["PATH_INFO"] == address
    assert submit(client, address, child).request["PATH_INFO"].endswith("/situation/")


def test_refusal_deletes_the_interview_and_says_so(interview, demo_users):
    client, address = interview
    submit(client, address, PERSON | {"go": "later"})
    page = submit(client, address.replace("beneficiary", "consent"), {"agrees": "no"})
    assert "Nothing was kept" in text_of(page)
    client.cookies.pop(
        "landing", None
    )  # of the action that began it; otherwise the closed page would redirect
    assert client.get(address).status_code == 404
    with acting_as(demo_users[A]):
        assert not IntakeDraft.objects.visible_to(demo_users[A]).unfinished().exists()


def test_refusal_where_somebody_may_be_at_risk_waits_on_the_supervisors_today(interview, demo_users, sign_in):
    client, address = interview
    submit(client, address, PERSON | {"at_risk": "on", "go": "later"})
    assert "at_risk" in shown(client, address), "the box is ticked as the page opens"
    page = submit(client, address.replace("beneficiary", "consent"), {"agrees": "no"})
    assert "A supervisor decides" in text_of(page)
    assert "waits for a supervisor" in text_of(client.get("/"))
    assert client.get(address).status_code == 302, "closed until they agree after all"
    client = sign_in(SUPERVISOR)
    assert "Unfinished interviews that need your decision" in text_of(client.get("/"))
    page = text_of(client.get("/interviews/"))
    assert "Waiting for a decision" in page
    assert "Zzmaya" not in page
    with acting_as(demo_users[A]):
        [draft] = IntakeDraft.objects.visible_to(demo_users[A]).unfinished()
    decide = reverse("beneficiaries:draft-decide", args=[draft.pk])
    page = text_of(submit(client, decide, {"decision": "keep", "why": "", "review_on": ""}))
    assert "Say why it is kept." in page
    day = now().date() + timedelta(days=20)
    decision = {"decision": "keep", "why": "Her brother looks for her.", "review_on": day.isoformat()}
    page = text_of(submit(client, decide, decision))
    assert "The decision is saved." in page
    assert "Waiting for a decision" not in page
    page = text_of(client.get(decide))
    assert "Her brother looks for her." in page
    assert "Zzmaya" not in page


def test_a_supervisor_reassigns_an_interview_on_the_page(interview, demo_users, sign_in):
    client, address = interview
    submit(client, address, PERSON | {"go": "later"})
    with acting_as(demo_users[A]):
        [draft] = IntakeDraft.objects.visible_to(demo_users[A]).unfinished()
    client = sign_in(SUPERVISOR)
    page = submit(
        client,
        reverse("beneficiaries:draft-reassign", args=[draft.pk]),
        {"to": str(demo_users[SUPERVISOR].pk)},
    )
    assert "Both are notified." in text_of(page)
    assert shown(client, address)["first_name"] == ["Zzmaya"]
    assert sign_in(A).get(address).status_code == 404
    assert "Zzmaya" not in text_of(sign_in(A).get("/"))


def test_nobody_finds_anothers_interview(interview, sign_in):
    _client, address = interview
    for username in (B, SUPERVISOR, "administrator", "protection_supervisor"):
        for page in ("consent", "beneficiary", "situation"):
            assert sign_in(username).get(address.replace("beneficiary", page)).status_code == 404


def test_old_interviews_are_listed_with_their_age(sign_in, demo_users):
    with acting_as(demo_users[A]):
        start_draft(
            organisation=factories.organisation("NGO_A"),
            consent=ConsentGiven(given_by="self", how="spoken"),
            by=demo_users[A],
            now=now() - timedelta(days=2),
        )
    page = text_of(sign_in(A).get("/"))
    assert "No name yet" in page
    assert "started 2 days ago" in page
