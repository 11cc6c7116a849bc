"""Signing in and out, each user's language, and the pages that need no user."""

import pytest
from django.test import Client

from reintegration.demo import password_of

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


def _sign_in(client: Client, username: str, password: str, **more):
    return client.post(LOGIN, {"username": username, "password": password, **more})


def test_right_and_wrong_passwords(demo_users, client):
    assert demo_users["ngo_a_caseworker"].has_usable_password()
    wrong = _sign_in(client, "ngo_a_caseworker", "not the password")
    unknown = _sign_in(client, "no-such-person", "not the password")
    assert "The user name or the password is not right." in wrong.content.decode()
    assert "The user name or the password is not right." in unknown.content.decode()
    right = _sign_in(client, "ngo_a_caseworker", password_of("ngo_a_caseworker"))
    assert (right.status_code, right["Location"]) == (302, "/")


def test_a_deactivated_user_is_signed_out_at_once(demo_users, client):
    user = demo_users["ngo_a_caseworker"]
    _sign_in(client, user.username, password_of(user.username))
    assert client.get("/cases/").status_code == 200
    user.is_active = False
    user.save(update_fields=["is_active"])
    assert client.get("/cases/").status_code == 302
    assert _sign_in(Client(), user.username, password_of(user.username)).status_code == 200


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", r"\\evil.example"]
)
def test_sign_in_redirects_to_no_other_site(demo_users, client, elsewhere):
    response = _sign_in(client, "ngo_a_reader", password_of("ngo_a_reader"), next=elsewhere)
    assert response["Location"] == "/"


def test_sign_in_leads_back_to_the_page_that_was_asked_for(demo_users, client):
    asked = client.get("/cases/")
    assert asked["Location"] == "/accounts/login/?next=/cases/"
    response = _sign_in(client, "ngo_a_reader", password_of("ngo_a_reader"), next="/cases/")
    assert response["Location"] == "/cases/"


def test_the_session_is_new_after_sign_in_and_gone_after_sign_out(demo_users, client):
    client.get(LOGIN)
    before = client.session.session_key
    _sign_in(client, "ngo_a_reader", password_of("ngo_a_reader"))
    session_key = client.cookies["sessionid"].value
    assert session_key != before
    client.post("/accounts/logout/")
    other = Client()
    other.cookies["sessionid"] = session_key
    assert other.get("/cases/").status_code == 302


def test_a_users_language_is_used_after_sign_in(demo_users, client):
    _sign_in(client, "ngo_b_caseworker", password_of("ngo_b_caseworker"))
    assert 'lang="ne"' in client.get("/cases/").content.decode()[:300]
    client.post("/language/", {"language": "en", "next": "/cases/"})
    assert 'lang="en"' in client.get("/cases/").content.decode()[:300]
    assert demo_users["ngo_b_caseworker"].language == "en"


def test_headers_of_a_page(demo_users, client):
    response = client.get(LOGIN)
    policy = response["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    assert response["Cache-Control"].find("no-store") >= 0
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_a_form_without_its_token_is_refused_with_a_page():
    client = Client(enforce_csrf_checks=True)
    response = client.post(LOGIN, {"username": "x", "password": "y"})
    assert response.status_code == 403
    assert "Sahayatra" in response.content.decode()


def test_an_address_with_a_null_character_is_just_not_found(demo_users, client):
    client.force_login(demo_users["ngo_a_reader"])
    assert client.get("/cases/%00/").status_code == 404


def test_the_health_check_needs_no_database(client):
    assert client.get("/healthz").content == b"ok\n"
