"""The second factor: it belongs to its user, can't be skipped, and each code opens once."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from allauth.mfa.models import Authenticator
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import call_command
from django.db import connection
from django.test import Client

from accounts.operations import factor as factors
from accounts.operations.factor import add_app, reset_second_factor
from accounts.operations.password import set_password
from accounts.operations.token import create_api_token
from accounts.queries import invitations, is_enrolled, reset_link
from accounts.throttle_models import UsedProof
from core.clock import now
from core.context import acting_as
from tests import factories
from tests.addresses import patterns
from tests.factors import (
    CONFIRM,
    LOGIN,
    SECOND,
    App,
    enrolled,
    give_code,
    give_password,
    is_in,
    recovery_codes_of,
    signed_in_with,
)

WHO, OTHER = "ngo_a_caseworker", "ngo_a_reader"
ADD_APP = "/accounts/security/app/"
TRIES = 20


@pytest.fixture
def required(settings):
    """As on a server: everyone needs a second factor."""
    settings.MFA_REQUIRED = True


def _secret_on(page) -> App:
    text = page.content.decode()
    return App(text.split('<strong class="app-code">')[1].split("</strong>")[0].replace(" ", ""))


def _password_only(username: str = WHO) -> Client:
    client = Client()
    give_password(client, username)
    return client


# Enrolling


def test_without_a_factor_only_the_page_to_enrol_opens(demo_users, required):
    client = _password_only()
    for name, route in patterns():
        if "<" in route or name in (
            "accounts:sign-out",
            "set_language",
            "healthz",
            "readyz",
            "accounts:sign-in",
        ):
            continue
        for send in (client.get, client.post):
            answer = send("/" + route.replace("^", "").replace("$", "").replace("\\Z", ""))
            if route.startswith("api/"):
                assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json"), (
                    route
                )
            elif name not in (
                "accounts:security",
                "accounts:confirm",
                "accounts:factor-add-app",
                "accounts:factor-add-passkey",
            ):
                assert answer.status_code in (302, 404), (route, answer.status_code)
                assert answer.status_code == 404 or answer["Location"] == "/accounts/security/", (
                    route,
                    answer["Location"],
                )
    assert client.get("/accounts/security/").status_code == 200


def test_enrolling_an_app_gives_recovery_codes_and_access(demo_users, required):
    client = _password_only()
    app = _secret_on(client.get(ADD_APP))
    before = client.session.session_key
    assert "not right" in client.post(ADD_APP, {"code": "000000"}).content.decode()
    done = client.post(ADD_APP, {"code": app.code()})
    assert (done.status_code, done["Location"]) == (302, "/accounts/security/codes/")
    assert client.session.session_key != before
    assert is_in(client)
    shown = client.get("/accounts/security/codes/").content.decode()
    codes = recovery_codes_of(demo_users[WHO])
    assert len(codes) == 10
    assert all(f"{code[:4]} {code[4:]}" in shown for code in codes)
    client.post("/accounts/security/codes/", {"kept": "yes"})
    assert codes[0][4:] not in client.get("/accounts/security/codes/").content.decode()


def test_a_seed_is_encrypted_in_the_table_and_in_the_session(demo_users, required):
    client = _password_only()
    app = _secret_on(client.get(ADD_APP))
    assert app.secret not in json.dumps(dict(client.session))
    client.post(ADD_APP, {"code": app.code()})
    stored = Authenticator.objects.get(user=demo_users[WHO], type="totp").data
    assert app.secret not in json.dumps(stored)


def test_the_code_that_enrolled_does_not_open_again(demo_users, required):
    client = _password_only()
    app = _secret_on(client.get(ADD_APP))
    used = app.code()
    client.post(ADD_APP, {"code": used})
    other = _password_only()
    assert give_code(other, used).status_code == 200
    assert not is_in(other)


@pytest.mark.parametrize("name", ["user", "user_id", "id", "person_id", "username", "pk"])
def test_nobody_enrols_for_another(demo_users, required, name):
    """Whatever a form or address says: the factor is added to the user of this session."""
    client, other = _password_only(), demo_users[OTHER]
    value = other.username if name == "username" else str(other.pk)
    app = _secret_on(client.get(ADD_APP, {name: value}))
    client.post(f"{ADD_APP}?{name}={value}", {"code": app.code(), name: value})
    assert is_enrolled(demo_users[WHO])
    assert not is_enrolled(other)


def test_no_address_of_a_factor_names_a_person():
    routes = [route for name, route in patterns() if route.startswith("accounts/security")]
    assert sorted({part for route in routes for part in route.split("/") if "<" in part}) == ["<int:number>"]
    assert len(routes) == 6


def test_nobody_removes_anothers_factor(demo_users, settings):
    settings.MFA_REQUIRED = False
    enrolled(demo_users[WHO])
    app = enrolled(demo_users[OTHER])
    client = signed_in_with(app, OTHER)
    client.post("/accounts/security/app/remove/", {"user": str(demo_users[WHO].pk), "id": "1"})
    assert is_enrolled(demo_users[WHO])
    assert not is_enrolled(demo_users[OTHER])
    assert client.post("/accounts/security/passkey/1/remove/").status_code == 404


def test_a_stolen_password_adds_no_factor_beside_the_owners(demo_users, required):
    """A session from before the first factor: the operation still asks for that factor."""
    user = demo_users[WHO]
    enrolled(user)
    with pytest.raises(PermissionDenied):
        add_app(secret="A" * 32, code="000000", session="", proven=False, by=user, now=now())
    client = Client()
    client.force_login(user)  # by password alone
    assert client.get(ADD_APP).status_code == 200
    app = _secret_on(client.get(ADD_APP))
    assert client.post(ADD_APP, {"code": app.code()}).status_code == 403


def test_the_only_factor_stays_where_one_is_required(demo_users, required):
    app = enrolled(demo_users[WHO])
    client = signed_in_with(app, WHO)
    page = client.post("/accounts/security/app/remove/", follow=True)
    assert "your only second step" in page.content.decode()
    assert is_enrolled(demo_users[WHO])


def test_changing_a_factor_asks_for_a_recent_proof(demo_users, required, time_machine):
    app = enrolled(demo_users[WHO])
    client = signed_in_with(app, WHO)
    time_machine.move_to(now() + timedelta(minutes=11))
    for address in (
        ADD_APP,
        "/accounts/security/app/remove/",
        "/accounts/security/passkey/",
        "/accounts/security/codes/",
    ):
        for send in (client.get, client.post):
            assert send(address)["Location"].startswith(CONFIRM), address
    before = client.session.session_key
    done = client.post(CONFIRM, {"code": app.code(), "next": ADD_APP})
    assert (done.status_code, done["Location"]) == (302, ADD_APP)
    assert client.session.session_key != before
    assert client.get(ADD_APP).status_code == 200


# No step can be skipped


def test_a_password_alone_opens_nothing_for_a_user_with_a_factor(demo_users, settings):
    settings.MFA_REQUIRED = False
    enrolled(demo_users[WHO])
    client = Client()
    done = give_password(client, WHO, next="/cases/")
    assert (done.status_code, done["Location"]) == (302, SECOND)
    for address in ("/", "/cases/", "/admin/", "/accounts/security/", CONFIRM, ADD_APP):
        assert client.get(address)["Location"].startswith(LOGIN), address
    assert client.get("/api/v1/cases/").status_code == 401


def test_both_steps_lead_to_the_page_that_was_asked_for(demo_users, required):
    app = enrolled(demo_users[WHO])
    client = Client()
    give_password(client, WHO, next="/cases/")
    done = give_code(client, app.code())
    assert (done.status_code, done["Location"]) == (302, "/cases/")
    assert is_in(client)


def test_the_second_step_without_the_first_opens_nothing(demo_users, required):
    app = enrolled(demo_users[WHO])
    client = Client()
    assert give_code(client, app.code())["Location"] == LOGIN
    assert not is_in(client)


@pytest.mark.parametrize("name", ["user", "user_id", "username"])
def test_ones_own_code_does_not_open_anothers_account(demo_users, required, name):
    """After entering another's password, one's own code is refused, whatever user the form names."""
    enrolled(demo_users[WHO])
    own = enrolled(demo_users[OTHER])
    client = _password_only(WHO)
    assert give_code(client, own.code()).status_code == 200
    value = OTHER if name == "username" else str(demo_users[OTHER].pk)
    client.post(SECOND, {"code": own.code(1), name: value})
    assert not is_in(client)


def test_the_first_step_lasts_ten_minutes_and_one_password(demo_users, required, time_machine):
    app = enrolled(demo_users[WHO])
    late = _password_only()
    time_machine.move_to(now() + timedelta(minutes=11))
    assert give_code(late, app.code())["Location"] == LOGIN
    changed = _password_only()
    set_password(demo_users[WHO], "another long sentence 7")
    assert give_code(changed, app.code(1))["Location"] == LOGIN


def test_a_token_is_no_way_around(demo_users, required):
    user = demo_users[WHO]
    with pytest.raises(ValidationError):
        create_api_token(user=user, name="x", by=user, now=now())
    with pytest.raises(SystemExit):
        call_command("create_api_token", WHO)
    enrolled(user)
    _row, text = create_api_token(user=user, name="x", by=user, now=now())
    asked = {"headers": {"authorization": f"Token {text}"}}
    assert Client().get("/api/v1/cases/", **asked).status_code == 200
    with acting_as(user):
        Authenticator.objects.filter(user=user).delete()
    refused = Client().get("/api/v1/cases/", **asked)
    assert (refused.status_code, refused["Content-Type"]) == (403, "application/problem+json")


def test_a_new_password_by_mail_is_no_way_around(demo_users, required):
    app = enrolled(demo_users[WHO])
    client = Client()
    done = client.post(
        f"/accounts/password/{reset_link(demo_users[WHO])}/",
        {"password": "a quite new sentence 9", "again": "a quite new sentence 9"},
    )
    assert done["Location"] == LOGIN
    assert not is_in(client)
    assert is_enrolled(demo_users[WHO])
    assert give_password(client, WHO, "a quite new sentence 9")["Location"] == SECOND
    assert not is_in(client)
    give_code(client, app.code())
    assert is_in(client)


def test_the_admin_is_no_way_around(demo_users, required):
    client = _password_only("administrator")
    for address in ("/admin/", "/admin/login/", "/admin/accounts/user/", "/admin/accounts/user/add/"):
        assert client.get(address)["Location"] == "/accounts/security/", address
    nobody = Client().get("/admin/login/?next=/admin/accounts/user/")
    assert nobody["Location"] == "/accounts/login/?next=/admin/accounts/user/"
    app = enrolled(demo_users["administrator"])
    assert client.get("/admin/")["Location"].startswith(CONFIRM)
    assert signed_in_with(app, "administrator").get("/admin/").status_code == 200


# An administrator's reset


def test_an_administrator_resets_a_lost_factor(demo_users, required):
    user, administrator = demo_users[WHO], demo_users["administrator"]
    lost = signed_in_with(enrolled(user), WHO)
    client = signed_in_with(enrolled(administrator), "administrator")
    address = f"/admin/accounts/user/{user.pk}/change/"
    fields = client.get(address).context["adminform"].form.initial
    sent = {name: value for name, value in fields.items() if value is not None}
    sent |= {
        "without_factor": "on",
        "memberships-TOTAL_FORMS": 0,
        "memberships-INITIAL_FORMS": 0,
    }
    assert client.post(address, sent).status_code == 302
    assert is_enrolled(user)
    factories.agreed()
    assert not is_enrolled(user)
    assert not is_in(lost)
    assert _password_only().get("/")["Location"] == "/accounts/security/"


def test_a_reset_is_recorded_and_its_user_notified(committed, owner, demo_users):
    user, administrator = demo_users[WHO], demo_users["administrator"]
    enrolled(user)
    with acting_as(administrator):
        reset_second_factor(user=user, by=administrator, now=now())
    factories.agreed()
    owner.execute(
        "SELECT actor_id::text, object_id::text FROM core_auditevent WHERE verb = 'second factor reset'"
    )
    assert owner.fetchall() == [(str(demo_users["ngo_a_supervisor"].pk), str(user.pk))]
    owner.execute(
        "SELECT recipient, body FROM core_outboxmessage WHERE subject LIKE '%sign-in to Sahayatra has%'"
    )
    [(recipient, body)] = owner.fetchall()
    assert recipient == user.email
    assert not any(
        word in body for word in (user.username, user.first_name, user.last_name, "administrator1")
    )


def test_only_an_administrator_resets_and_never_their_own(demo_users):
    enrolled(demo_users[WHO])
    for who in (WHO, OTHER, "ngo_a_focal_point", "auditor"):
        with pytest.raises((PermissionDenied, ValidationError)):
            reset_second_factor(user=demo_users[WHO], by=demo_users[who], now=now())
    with pytest.raises(ValidationError):
        reset_second_factor(user=demo_users["administrator"], by=demo_users["administrator"], now=now())
    assert is_enrolled(demo_users[WHO])


# A code opens once


def test_a_code_opens_once_and_codes_of_other_minutes_do_not(demo_users, required):
    app = enrolled(demo_users[WHO])
    code = app.code()
    first, second = _password_only(), _password_only()
    assert give_code(first, code).status_code == 302
    assert "used already" in give_code(second, code).content.decode()
    assert not is_in(second)
    for steps in (-3, 3):
        assert give_code(second, app.code(steps)).status_code == 200


def test_a_code_may_be_typed_in_nepali_digits_and_with_spaces(demo_users, required):
    app = enrolled(demo_users[WHO])
    client, code = _password_only(), app.code().translate(str.maketrans("0123456789", "०१२३४५६७८९"))
    assert give_code(client, f"{code[:3]} {code[3:]}").status_code == 302
    assert is_in(client)


def test_a_recovery_code_opens_once_and_is_recorded(demo_users, required):
    enrolled(demo_users[WHO])
    code = recovery_codes_of(demo_users[WHO])[3]
    first, second = _password_only(), _password_only()
    assert give_code(first, f"{code[:4]} {code[4:]}").status_code == 302
    assert is_in(first)
    assert give_code(second, code).status_code == 200
    assert code not in recovery_codes_of(demo_users[WHO])


def _race(codes: list[str]) -> list[bool]:
    """Sign in with the right passwords, then send each code at the same moment; return whether each got in."""
    clients = []
    for _code in codes:
        client = Client()
        give_password(client, WHO)
        clients.append(client)
    start = Barrier(len(codes))

    def send(client: Client, code: str) -> bool:
        try:
            start.wait(timeout=60)
            give_code(client, code)
            return is_in(client)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(codes)) as pool:
        return list(pool.map(send, clients, codes))


def test_one_code_sent_twenty_times_at_once_opens_once(committed, demo_users, required):
    app = enrolled(demo_users[WHO])
    assert _race([app.code()] * TRIES).count(True) == 1


def test_one_recovery_code_sent_twenty_times_at_once_opens_once(committed, demo_users, required):
    enrolled(demo_users[WHO])
    assert _race([recovery_codes_of(demo_users[WHO])[0]] * TRIES).count(True) == 1


def test_without_the_record_of_used_codes_one_code_opens_several_times(
    committed, demo_users, required, monkeypatch
):
    """The control: only the record of used codes stops the others."""
    monkeypatch.setattr(factors, "spend_proof", lambda **given: True)
    app = enrolled(demo_users[WHO])
    assert _race([app.code()] * TRIES).count(True) > 1


def test_the_constraint_alone_accepts_a_code_once(committed, demo_users):
    """Twenty at the very statement, with nothing before it that would order them."""
    user, at, start = demo_users[WHO], now(), Barrier(TRIES)

    def spend(_number: int) -> bool:
        try:
            start.wait(timeout=60)
            return factors.spend_proof(user=user, proof="app:1", now=at)
        finally:
            connection.close()

    with ThreadPoolExecutor(TRIES) as pool:
        assert list(pool.map(spend, range(TRIES))).count(True) == 1
    assert UsedProof.objects.filter(user=user).count() == 1


def test_sign_in_with_a_second_factor_is_recorded(committed, owner, demo_users, required):
    app = enrolled(demo_users[WHO])
    client = Client()
    give_password(client, WHO, "wrong")
    give_password(client, WHO)
    give_code(client, "000000")
    give_code(client, app.code())
    client.post("/accounts/logout/")
    owner.execute(
        "SELECT verb, detail->>'method', actor_id::text FROM core_auditevent "
        "WHERE verb LIKE 'sign%%' ORDER BY at"
    )
    pk = str(demo_users[WHO].pk)
    assert owner.fetchall() == [
        ("sign-in failed", "password", None),
        ("sign-in failed", "code", None),
        ("signed in", "app", pk),
        ("signed out", None, pk),
    ]


def test_a_seed_encrypted_under_another_key_is_refused_without_an_error(demo_users, required, settings):
    app = enrolled(demo_users[WHO])
    settings.FIELD_KEYS = (b"another key of 32 bytes, no less",)
    client = _password_only()
    assert give_code(client, app.code()).status_code == 200
    assert not is_in(client)


def test_an_invited_user_chooses_a_password_signs_in_and_enrols(demo_users, required):
    user = demo_users[WHO]
    user.set_unusable_password()
    user.save()
    client = Client()
    chosen = {"password": "a first long sentence 1", "again": "a first long sentence 1"}
    done = client.post(f"/accounts/invitation/{user.pk}/{invitations.make_token(user)}/", chosen)
    assert done["Location"] == LOGIN
    assert give_password(client, WHO, chosen["password"]).status_code == 302
    assert client.get("/")["Location"] == "/accounts/security/"
    app = _secret_on(client.get(ADD_APP))
    client.post(ADD_APP, {"code": app.code()})
    assert is_in(client)


def test_the_command_requests_the_reset_of_a_factor(demo_users, required):
    enrolled(demo_users["administrator"])
    call_command("reset_second_factor", "administrator")
    assert is_enrolled(demo_users["administrator"])
    factories.agreed("iom_supervisor")
    assert not is_enrolled(demo_users["administrator"])
    with pytest.raises(SystemExit):
        call_command("reset_second_factor", "no-such-person")


UNREADABLE = ["[" * 100_000, "9" * 5000, "{", '{"a":' * 20_000, "[]", "7"]


@pytest.mark.django_db
@pytest.mark.parametrize("answer", UNREADABLE, ids=lambda answer: answer[:2])
def test_an_unreadable_passkey_is_refused_on_each_page(demo_users, sign_in, answer):
    app, adding = enrolled(demo_users[WHO]), sign_in(OTHER)
    signing_in, confirming = Client(), signed_in_with(app, WHO)
    give_password(signing_in, WHO)
    for client, page in [
        (adding, "/accounts/security/passkey/"),
        (signing_in, SECOND),
        (confirming, CONFIRM),
    ]:
        response = client.post(page, {"credential": answer, "name": "x"})
        assert response.status_code == 200, page
        assert "govuk-error-summary" in response.content.decode(), page
    assert not Authenticator.objects.filter(type=Authenticator.Type.WEBAUTHN).exists()
