"""A search by POST: its words are in no address, its results can be opened again by the same user only."""

import pytest
from django.test import Client

from core import searches
from core.context import acting_as
from tests import factories
from tests.access.test_other_organisations import FLEETING
from tests.factors import give_password
from tests.pages import text_of, visit

pytestmark = pytest.mark.django_db
A, READER, NAME = "ngo_a_caseworker", "ngo_a_reader", "Kanarisearch"


@pytest.fixture
def case(demo_users):
    with acting_as(demo_users[A]):
        return factories.a_case(demo_users[A], details=factories.beneficiary_details(first_name=NAME))


def signed_in(username: str) -> Client:
    client = Client()
    client.cookies["django_language"] = "en"
    give_password(client, username)
    return client


def test_a_search_leads_to_results_that_can_be_opened_again(case, demo_users):
    client = signed_in(A)
    sent = client.post("/cases/", {"find": NAME, "status": "active", "district": ""})
    assert sent.status_code == 302
    assert sent["Location"].startswith("/cases/?q=")
    assert "status=active" in sent["Location"]
    assert NAME not in sent["Location"]
    for _time in range(2):  # and again, as Back and a bookmark do
        page = text_of(client.get(sent["Location"]))
        assert case.reference in page
        assert f'value="{NAME}"' in page


def test_filters_without_words_stay_in_the_address_alone(case, demo_users):
    client = signed_in(A)
    sent = client.post("/cases/", {"find": " ", "status": "active", "district": "302"})
    assert sent["Location"] == "/cases/?status=active&district=302"
    assert searches.SEARCHES not in client.session
    assert client.post("/cases/", {})["Location"] == "/cases/"


def test_search_words_in_an_address_are_ignored(case, demo_users):
    """An address typed by hand isn't searched, and no page links to one."""
    client = signed_in(A)
    assert 'name="find" value=' not in text_of(client.get(f"/cases/?find={NAME}"))


@pytest.mark.parametrize("username", [READER, A, "ngo_b_caseworker"])
def test_anothers_token_answers_like_an_unknown_one(case, demo_users, username):
    """Another user's, or the same user's in another browser: the same bytes as for a token that was never
    given.
    """
    token = signed_in(A).post("/cases/", {"find": NAME})["Location"].partition("q=")[2]
    client = signed_in(username)
    answers = [client.get(f"/cases/?q={asked}") for asked in (token, "A" * len(token))]
    page = text_of(answers[0])
    assert "This search has ended. Search again." in page
    assert NAME not in page
    assert case.reference not in page
    assert len({FLEETING.sub(b"", answer.content) for answer in answers}) == 1


def test_a_search_ends_with_the_session(case, demo_users):
    client = signed_in(A)
    address = client.post("/cases/", {"find": NAME})["Location"]
    client.post("/accounts/logout/")
    give_password(client, A)
    assert "This search has ended. Search again." in text_of(client.get(address))


def test_search_words_are_encrypted_in_the_session(case, demo_users):
    client = signed_in(A)
    client.post("/cases/", {"find": NAME})
    session = str(dict(client.session))
    assert searches.SEARCHES in session
    assert NAME not in session


def test_the_oldest_search_is_forgotten(case, demo_users):
    client = signed_in(A)
    addresses = [client.post("/cases/", {"find": f"{NAME}{n}"})["Location"] for n in range(searches.KEPT + 1)]
    assert "This search has ended" in text_of(client.get(addresses[0]))
    assert "This search has ended" not in text_of(client.get(addresses[1]))
    assert len(client.session[searches.SEARCHES]) == searches.KEPT


def test_a_refused_search_is_shown_on_the_page_and_in_no_address(demo_users):
    client = signed_in(A)
    sent = client.post("/cases/", {"find": 101 * "x", "status": "Sita Lama"})
    assert "Sita" not in sent["Location"]
    assert "x" * 101 in text_of(client.get(sent["Location"]))
    client = signed_in("auditor")
    sent = client.post("/audit/", {"first_on": "the day Sita came", "username": "", "reference": ""})
    assert "Sita" not in sent["Location"]
    page = text_of(client.get(sent["Location"]))
    assert "the day Sita came" in page
    assert "govuk-error-summary" in page


def test_an_export_of_an_ended_search_is_refused(case, demo_users):
    client = signed_in(A)
    answer = client.get("/exports/new/cases/?q=unknown-token-16", follow=True)
    assert answer.redirect_chain == [("/exports/", 302)]
    assert "This search has ended. Search again." in text_of(answer)


def test_a_search_needs_the_forms_token(demo_users):
    client = Client(enforce_csrf_checks=True)
    client.force_login(demo_users[A])
    assert client.post("/cases/", {"find": NAME}).status_code == 403


def test_the_next_page_and_the_export_use_the_search(case, demo_users):
    client = signed_in(A)
    shown = visit(client, f"/cases/?find={NAME}&from=0")
    token = shown.wsgi_request.GET["q"]
    assert f"/exports/new/cases/?q={token}" in text_of(shown)
