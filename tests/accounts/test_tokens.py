"""Tokens for programs: made by their user and shown once; none works that its user didn't confirm."""

import re
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import ApiToken, Notice
from accounts.operations.token import create_api_token, revoke_api_tokens
from core.clock import now
from core.context import acting_as
from tests.pages import submit, text_of

pytestmark = pytest.mark.django_db
WHO, OTHER, FOCAL = "ngo_a_caseworker", "ngo_a_reader", "ngo_a_focal_point"
NEW = "/accounts/tokens/new/"


def status_of(text: str) -> int:
    return Client().get("/api/v1/cases/", headers={"authorization": f"Token {text}"}).status_code


def test_a_token_made_on_the_server_opens_nothing_yet(demo_users, settings, capsys):
    settings.DEMO = False
    call_command("create_api_token", WHO)
    text = capsys.readouterr().out.split()[-1]
    asked = {"headers": {"authorization": f"Token {text}"}}
    assert Client().get("/api/v1/cases/", **asked).status_code == 401


def test_a_token_is_somebodys_own_on_their_page(sign_in, demo_users):
    create_api_token(user=demo_users[WHO], name="nightly", by=demo_users[WHO], now=now())
    assert "nightly" in sign_in(WHO).get("/accounts/security/").content.decode()


def test_a_token_is_made_shown_once_and_revoked(sign_in, demo_users):
    client = sign_in(WHO)
    wrong = submit(client, NEW, {"name": "nightly", "days": "400"})
    assert "less than or equal to 366" in text_of(wrong)
    assert 'value="nightly"' in wrong.content.decode()
    page = submit(client, NEW, {"name": "nightly", "days": "30"})
    [text] = re.findall(r"[A-Za-z0-9_-]{43}", page.content.decode().split("app-code")[1])
    assert text not in client.get(NEW).content.decode(), "shown once"
    [token] = ApiToken.objects.visible_to(demo_users[WHO])
    assert token.expires_on == now().date() + timedelta(days=30)
    assert status_of(text) == 200
    client.post(f"/accounts/tokens/{token.pk}/revoke/")
    assert status_of(text) == 401
    with acting_as(demo_users[FOCAL]):
        assert Notice.objects.visible_to(demo_users[FOCAL]).filter(key=f"token:{token.pk}").exists()


def test_a_token_of_the_server_opens_once_its_user_confirms_it(
    sign_in, demo_users, settings, capsys, time_machine
):
    settings.DEMO = False
    call_command("create_api_token", WHO)
    text = capsys.readouterr().out.split()[-1]
    [token] = ApiToken.objects.visible_to(demo_users[WHO])
    confirm = f"/accounts/tokens/{token.pk}/confirm/"
    for username in (OTHER, "administrator", FOCAL):
        assert sign_in(username).post(confirm).status_code == 404
        assert status_of(text) == 401
    client = Client()
    client.force_login(demo_users[WHO])
    with acting_as(demo_users[WHO]):
        assert Notice.objects.visible_to(demo_users[WHO]).filter(key=f"token:{token.pk}").exists()
    assert "Not active yet" in text_of(client.get("/accounts/security/"))
    assert client.post(confirm, follow=True).status_code == 200
    assert status_of(text) == 200
    time_machine.move_to(now() + timedelta(minutes=11))
    assert client.post(confirm)["Location"].startswith("/accounts/confirm/"), "a recent sign-in is asked for"


def test_a_users_tokens_are_limited_in_number_and_per_day(sign_in, demo_users, time_machine):
    client, asked = sign_in(WHO), {"name": "nightly", "days": "30"}
    for _time in range(5):
        assert "app-code" in submit(client, NEW, asked).content.decode()
    refused = submit(client, NEW, asked)
    assert "You created 5 tokens in the last 24 hours" in text_of(refused)
    assert 'value="nightly"' in refused.content.decode()
    assert ApiToken.objects.count() == 5
    for _time in range(5):
        ApiToken.objects.update(created_at=now() - timedelta(days=2))
        create_api_token(user=demo_users[WHO], name="x", by=demo_users[WHO], now=now())
    with pytest.raises(ValidationError, match="You have 10 tokens"):
        create_api_token(user=demo_users[WHO], name="x", by=demo_users[WHO], now=now() + timedelta(days=3))
    call_command("create_api_token", WHO)  # on the server there is no limit
    create_api_token(user=demo_users[OTHER], name="x", by=demo_users[OTHER], now=now())
    revoke_api_tokens(user=demo_users[WHO], by=demo_users[WHO], now=now())
    create_api_token(user=demo_users[WHO], name="x", by=demo_users[WHO], now=now() + timedelta(days=3))


def test_the_database_itself_lets_nobody_else_confirm_a_token(demo_users, settings):
    settings.DEMO = False
    token, text = create_api_token(user=demo_users[WHO], name="x", by=None, now=now())
    own = ApiToken.objects.filter(pk=token.pk)
    with pytest.raises(IntegrityError, match="its own user"), transaction.atomic():
        own.update(confirmed_at=now())
    with acting_as(demo_users["administrator"]), transaction.atomic():
        with pytest.raises(IntegrityError, match="its own user"), transaction.atomic():
            own.update(confirmed_at=now())
        with pytest.raises(IntegrityError, match="own user's"), transaction.atomic():
            own.update(user=demo_users["administrator"])
    assert status_of(text) == 401
