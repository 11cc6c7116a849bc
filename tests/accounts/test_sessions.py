"""Sessions: how long they last, who may end them, what ends them; and what a forged request achieves."""

from datetime import timedelta

import pytest
from django.conf import settings as site
from django.contrib.sessions.backends.db import SessionStore as DjangoStore
from django.test import Client

from accounts.models import Session
from accounts.operations.factor import reset_second_factor
from accounts.operations.password import change_password, mail_resets
from accounts.operations.users import end_access, save_user
from accounts.queries import open_work_of
from accounts.session_store import SessionStore, digest
from core.clock import now
from core.context import acting_as
from reintegration.demo import password_of
from tests import factories
from tests.browser.site import free_port
from tests.factors import CONFIRM, LOGIN, enrolled, give_password, is_in, signed_in_with

pytestmark = pytest.mark.django_db
WHO, OTHER = "ngo_a_caseworker", "ngo_a_reader"
FIREFOX = "Mozilla/5.0 (Android 14; Mobile; rv:131.0) Gecko/131.0 Firefox/131.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"


def _signed_in(username: str = WHO, **defaults) -> Client:
    client = Client(**defaults)
    assert give_password(client, username).status_code == 302
    return client


def _copy(client: Client) -> Client:
    """Return a client with the same cookies, as a thief would have them."""
    other = Client()
    for name, morsel in client.cookies.items():
        other.cookies[name] = morsel.value
    return other


# How long


def test_twenty_idle_minutes_end_a_session(demo_users, time_machine):
    client = _signed_in()
    begun = now()
    for minutes in (15, 30, 45):
        time_machine.move_to(begun + timedelta(minutes=minutes))
        assert is_in(client)
    time_machine.move_to(begun + timedelta(minutes=45 + 21))
    assert not is_in(client)


def test_ten_hours_end_a_session_however_busy(demo_users, time_machine):
    client = _signed_in()
    begun = now()
    for minutes in range(15, 600, 15):
        time_machine.move_to(begun + timedelta(minutes=minutes))
        assert is_in(client), minutes
    time_machine.move_to(begun + timedelta(minutes=601))
    assert not is_in(client)


def test_confirming_ones_identity_does_not_prolong_a_session(demo_users, time_machine):
    client = _signed_in()
    begun = now()
    for minutes in range(15, 600, 15):
        time_machine.move_to(begun + timedelta(minutes=minutes))
        assert client.post(CONFIRM, {"password": password_of(WHO)}).status_code == 302
    time_machine.move_to(begun + timedelta(minutes=601))
    assert not is_in(client)


# What the table stores


def test_the_table_stores_no_usable_session_key(demo_users):
    client = _signed_in()
    cookie = client.cookies["sessionid"].value
    row = Session.objects.get(user=demo_users[WHO])
    assert row.pk == digest(cookie)
    for stolen in (row.pk, cookie[:-1]):
        thief = Client()
        thief.cookies["sessionid"] = stolen
        assert not is_in(thief)


@pytest.mark.parametrize("also_user", [False, True])
def test_what_a_session_holds_opens_in_its_own_row_alone(demo_users, also_user):
    """A copy of another's in one's own row would be their session."""
    thief, victim = _signed_in(OTHER), _signed_in()
    stolen = Session.objects.get(user=demo_users[WHO])
    more = {"user": demo_users[WHO]} if also_user else {}
    Session.objects.filter(user=demo_users[OTHER]).update(session_data=stolen.session_data, **more)
    assert not is_in(thief)
    assert is_in(victim)


def test_a_session_keeps_its_user(demo_users):
    """In another's name it would live on when its own user's sessions end."""
    client = _signed_in()
    Session.objects.filter(user=demo_users[WHO]).update(user=demo_users[OTHER])
    assert not is_in(client)


def test_sessions_are_stored_in_postgresql_by_our_own_store():
    assert site.SESSION_ENGINE == "accounts.session_store"
    assert issubclass(SessionStore, DjangoStore)
    assert site.CACHES["default"]["BACKEND"].endswith("DatabaseCache")


def test_ended_sessions_are_deleted(demo_users, time_machine):
    _signed_in()
    kept = _signed_in(OTHER)
    time_machine.move_to(now() + timedelta(minutes=15))
    assert is_in(kept)
    time_machine.move_to(now() + timedelta(minutes=10))
    SessionStore.clear_expired()
    assert [row.user.username for row in Session.objects.all()] == [OTHER]


# Listing and ending sessions


def test_ones_sessions_are_listed_with_browser_and_shortened_address(demo_users):
    _signed_in(HTTP_USER_AGENT=FIREFOX, REMOTE_ADDR="203.0.113.77")
    here = _signed_in(HTTP_USER_AGENT=CHROME, REMOTE_ADDR="2001:db8:1:2:3::9")
    _signed_in(OTHER, REMOTE_ADDR="198.51.100.4")
    page = here.get("/accounts/security/").content.decode()
    for words in ("Firefox on Android", "203.0.113.*", "Chrome on Windows", "2001:db8:1::*", "This one"):
        assert words in page, words
    for words in ("203.0.113.77", "::9", "198.51.100"):
        assert words not in page, words


def test_one_session_is_ended_from_another(demo_users):
    lost, here = _signed_in(), _signed_in()
    rows = Session.objects.filter(user=demo_users[WHO]).exclude(pk=digest(here.cookies["sessionid"].value))
    from uuid import UUID

    here.post(f"/accounts/sessions/{UUID(rows.get().pk)}/end/")
    assert (is_in(lost), is_in(here)) == (False, True)


def test_all_others_are_ended_at_once(demo_users):
    others, here, another = [_signed_in() for _number in range(3)], _signed_in(), _signed_in(OTHER)
    here.post("/accounts/sessions/end/")
    assert [is_in(client) for client in others] == [False] * 3
    assert is_in(here)
    assert is_in(another)


def test_nobody_ends_anothers_session(demo_users):
    from uuid import UUID

    theirs, own = _signed_in(OTHER), _signed_in()
    row = Session.objects.get(user=demo_users[OTHER])
    assert own.post(f"/accounts/sessions/{UUID(row.pk)}/end/").status_code == 404
    assert is_in(theirs)


# What ends a session: a copy of its cookie opens nothing afterwards


def _after(action) -> bool:
    client = _signed_in()
    thief = _copy(client)
    assert is_in(thief)
    action(client)
    return is_in(thief)


def test_a_copied_cookie_is_worth_nothing_after_signing_out(demo_users):
    assert not _after(lambda client: client.post("/accounts/logout/"))
    assert not Session.objects.filter(user=demo_users[WHO]).exists()


def test_a_copied_cookie_is_worth_nothing_after_a_password_change(demo_users):
    assert not _after(
        lambda _client: change_password(password="another long one 5", by=demo_users[WHO], now=now())
    )
    assert not Session.objects.filter(user=demo_users[WHO]).exists()


def test_changing_the_password_on_the_page_ends_all_and_signs_nobody_in(demo_users):
    elsewhere, here = _signed_in(), _signed_in()
    chosen = {"password": "another long one 5", "again": "another long one 5"}
    done = here.post("/accounts/password/", chosen)
    assert done["Location"] == LOGIN
    assert (is_in(elsewhere), is_in(here)) == (False, False)
    assert give_password(here, WHO, "another long one 5").status_code == 302


def test_a_copied_cookie_is_worth_nothing_after_deactivation_nor_when_the_account_opens_again(demo_users):
    def close(_client: Client) -> None:
        user = demo_users[WHO]
        user.is_active = False
        save_user(user=user, by=demo_users["administrator"], now=now())

    thief = _signed_in()
    close(thief)
    assert not is_in(thief)
    user = demo_users[WHO]
    user.is_active = True
    with acting_as(demo_users["administrator"]):
        save_user(user=user, by=demo_users["administrator"], now=now())
    factories.agreed()
    assert demo_users[WHO].is_active
    assert not is_in(thief)


def test_a_copied_cookie_is_worth_nothing_when_a_focal_point_ends_access(demo_users):
    def end(_client: Client) -> None:
        with acting_as(demo_users["ngo_a_focal_point"]):
            ours = {demo_users[WHO].memberships.get().role.organisation_id}
            left = {carried.name: None for carried in open_work_of(demo_users[WHO], ours)}
            end_access(user=demo_users[WHO], by=demo_users["ngo_a_focal_point"], now=now(), to=left)

    assert not _after(end)


def test_a_copied_cookie_is_worth_nothing_after_a_reset_of_the_second_factor(demo_users):
    def reset(_client: Client) -> None:
        with acting_as(demo_users["administrator"]):
            reset_second_factor(user=demo_users[WHO], by=demo_users["administrator"], now=now())
        factories.agreed()

    assert not _after(reset)


def test_enrolling_a_factor_ends_other_sessions(demo_users, settings):
    settings.MFA_REQUIRED = False
    elsewhere, here = _signed_in(), _signed_in()
    page = here.get("/accounts/security/app/").content.decode()
    from tests.factors import App

    app = App(page.split('<strong class="app-code">')[1].split("</strong>")[0].replace(" ", ""))
    assert here.post("/accounts/security/app/", {"code": app.code()}).status_code == 302
    assert (is_in(elsewhere), is_in(here)) == (False, True)


# Session fixation


@pytest.mark.parametrize("chosen", ["a" * 32, "0123456789abcdefghijklmnopqrstuv", "", "x", "é", "'--"])
def test_a_session_key_that_somebody_else_chose_is_never_used(demo_users, chosen):
    client = Client()
    client.cookies["sessionid"] = chosen
    give_password(client, WHO)
    assert client.cookies["sessionid"].value != chosen
    other = Client()
    other.cookies["sessionid"] = chosen
    assert not is_in(other)


def test_a_session_key_from_before_signing_in_opens_nothing_afterwards(demo_users):
    """Planted at each of the two steps by somebody who has a session of their own."""
    app = enrolled(demo_users[WHO])
    client = Client()
    give_password(client, WHO)
    planted = _copy(client)
    client.post("/accounts/login/second/", {"code": app.code()})
    assert (is_in(client), is_in(planted)) == (True, False)


def test_the_session_key_changes_after_confirming(demo_users):
    client = signed_in_with(app := enrolled(demo_users[WHO]), WHO)
    thief = _copy(client)
    client.post(CONFIRM, {"code": app.code()})
    assert (is_in(client), is_in(thief)) == (True, False)


# Actions that need a recent proof


@pytest.mark.parametrize("address", ["/team/new/", "/team/{}/roles/new/", "/team/{}/end/"])
def test_giving_and_ending_roles_asks_for_a_recent_proof(demo_users, time_machine, address):
    client, address = _signed_in("ngo_a_focal_point"), address.format(demo_users[WHO].pk)
    assert client.get(address).status_code == 200
    time_machine.move_to(now() + timedelta(minutes=11))
    for send in (client.get, client.post):
        assert send(address)["Location"] == f"{CONFIRM}?next={address.replace('/', '%2F')}"
    assert client.get("/team/").status_code == 200
    assert client.post(CONFIRM, {"password": "wrong"}).status_code == 200
    assert client.get(address).status_code == 302
    done = client.post(CONFIRM, {"password": password_of("ngo_a_focal_point"), "next": address})
    assert done["Location"] == address
    assert client.get(address).status_code == 200


def test_the_admins_forms_ask_for_a_recent_proof(demo_users, time_machine):
    client = _signed_in("administrator")
    forms = [f"/admin/accounts/user/{demo_users[WHO].pk}/change/", "/admin/accounts/membership/add/"]
    assert [client.get(form).status_code for form in forms] == [200, 200]
    time_machine.move_to(now() + timedelta(minutes=11))
    for form in forms:
        for send in (client.get, client.post):
            assert send(form)["Location"].startswith(CONFIRM), form
    assert client.get("/admin/accounts/user/").status_code == 200


def test_a_user_with_a_factor_confirms_with_it_and_not_with_the_password(demo_users, time_machine):
    app = enrolled(demo_users["ngo_a_focal_point"])
    client = signed_in_with(app, "ngo_a_focal_point")
    time_machine.move_to(now() + timedelta(minutes=11))
    client.post(CONFIRM, {"password": password_of("ngo_a_focal_point")})
    assert client.get("/team/new/").status_code == 302
    client.post(CONFIRM, {"code": app.code()})
    assert client.get("/team/new/").status_code == 200


# Forged requests


ELSEWHERE = [
    "//evil.example",
    "///evil.example",
    "https:evil.example",
    "https:///evil.example",
    "https://evil.example/",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "\\\\evil.example",
    "/\\evil.example",
    "/\\/evil.example",
    "\t//evil.example",
    " https://evil.example",
    "http://testserver@evil.example/",
    "//testserver.evil.example/",
    "\x00//evil.example",
]


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_no_step_leads_to_another_site(demo_users, elsewhere):
    app = enrolled(demo_users[WHO])
    client = Client()
    give_password(client, WHO, next=elsewhere)
    assert (
        client.post("/accounts/login/second/", {"code": app.code(-1), "next": elsewhere})["Location"] == "/"
    )
    assert client.post(CONFIRM, {"code": app.code(), "next": elsewhere})["Location"] == "/"
    plain = Client()
    assert give_password(plain, OTHER, next=elsewhere)["Location"] == "/"
    assert plain.get(LOGIN, {"next": elsewhere})["Location"] == "/"


@pytest.mark.parametrize(
    "name", ["host", "x-forwarded-host", "x-forwarded-server", "forwarded", "x-original-url"]
)
def test_a_forged_host_appears_in_no_link_and_no_mail(demo_users, client, mailoutbox, owned_mails, name):
    evil = {"forwarded": "host=evil.example", "x-original-url": "/admin/"}.get(name, "evil.example")
    answer = client.post(
        "/accounts/password/forgotten/", {"email": demo_users[WHO].email}, headers={name: evil}
    )
    assert answer.status_code == (400 if name == "host" else 200)
    mail_resets(now=now())
    signed = client.post(
        LOGIN,
        {"username": WHO, "password": password_of(WHO), "next": "//evil.example/"},
        headers={name: evil},
    )
    assert "evil" not in signed.get("Location", "")
    bodies = owned_mails()
    assert len(bodies) == (0 if name == "host" else 1)
    assert all(f"{site.SITE_URL}/accounts/password/" in body and "evil" not in body for body in bodies)


@pytest.fixture
def owned_mails(monkeypatch):
    """Return bodies of mails as they are queued, as nobody may read the table."""
    from core import outbox

    bodies, real = [], outbox.queue
    monkeypatch.setattr(outbox, "queue", lambda **mail: (bodies.append(mail["body"]), real(**mail)))
    return lambda: bodies


# Without the broker


def test_signing_in_works_while_the_broker_is_down(demo_users, settings):
    """Nothing listens on its port; every step, and the list of sessions, works all the same."""
    settings.REDIS_URL = settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{free_port()}/0"
    assert Client().get("/readyz").status_code == 503
    app = enrolled(demo_users[WHO])
    client = signed_in_with(app, WHO)
    assert is_in(client)
    assert client.post(CONFIRM, {"code": app.code()}).status_code == 302
    assert client.get("/accounts/security/").status_code == 200
    assert Client().post("/accounts/password/forgotten/", {"email": demo_users[WHO].email}).status_code == 200
