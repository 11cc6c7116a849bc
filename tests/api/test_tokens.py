"""Tokens and sessions of the API."""

import hashlib
from datetime import timedelta
from io import StringIO

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db import connection
from django.test import Client

from accounts.models import ApiToken
from accounts.operations.token import create_api_token, revoke_api_tokens
from accounts.operations.users import save_user
from core.clock import now
from core.context import entered_as
from tests.api.program import KINDS, ROOT, A, B, problem_of

pytestmark = pytest.mark.django_db


def test_the_command_prints_a_token_once_and_the_database_stores_its_digest(demo_users, client):
    out = StringIO()
    call_command("create_api_token", A, stdout=out)
    text = out.getvalue().strip()
    assert len(text) == 43
    token = ApiToken.objects.visible_to(demo_users[A]).get()
    assert token.digest == hashlib.sha256(text.encode()).hexdigest()
    assert token.expires_on == now().date() + timedelta(days=90)
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM accounts_apitoken t")
        assert text not in str(cursor.fetchall())
    answer = client.get(f"{ROOT}cases/", headers={"Authorization": f"Token {text}"})
    assert answer.status_code == 200
    assert ApiToken.objects.get(pk=token.pk).last_used_on == now().date()


@pytest.mark.parametrize(
    "arguments", [["nobody"], [A, "--days", "0"], [A, "--days", "367"], [A, "--name", "x" * 101]]
)
def test_the_command_refuses_in_one_line(demo_users, arguments):
    said = StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("create_api_token", *arguments, stderr=said)
    assert stopped.value.code == 1
    assert len(said.getvalue().splitlines()) == 1
    assert ApiToken.objects.count() == 0


def test_nobody_makes_a_token_for_another(demo_users):
    with pytest.raises(PermissionDenied):
        create_api_token(user=demo_users[A], name="x", by=demo_users["administrator"], now=now())
    with pytest.raises(PermissionDenied):
        revoke_api_tokens(user=demo_users[A], by=demo_users[B], now=now())


def test_the_command_revokes_all_tokens_of_a_user(program, demo_users):
    first, second, other = program(A), program(A), program(B)
    out = StringIO()
    call_command("create_api_token", A, "--revoke", stdout=out)
    assert out.getvalue() == f"2 tokens of {A} ended\n"
    assert [p.get("cases/").status_code for p in (first, second, other)] == [401, 401, 200]


@pytest.mark.parametrize(
    "how", ["ended", "revoked", "inactive", "unknown", "not ascii", "empty", "other scheme"]
)
def test_a_revoked_expired_or_unknown_token_is_refused(program, demo_users, how):
    asking = program(A)
    if how == "ended":
        ApiToken.objects.update(expires_on=now().date() - timedelta(days=1))
    elif how == "revoked":
        revoke_api_tokens(user=demo_users[A], by=demo_users[A], now=now())
    elif how == "inactive":
        user = demo_users[A]
        user.is_active = False
        save_user(user=user, by=None, now=now())
    else:
        asking.text = {"unknown": "x" * 43, "not ascii": "ñ" * 43, "empty": ""}.get(how, asking.text)
    header = f"Bearer {asking.text}" if how == "other scheme" else f"Token {asking.text}"
    response = asking.client.get(f"{ROOT}cases/", headers={"Authorization": header})
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Token"
    assert problem_of(response)["errors"] == []


def test_the_last_day_of_a_token_counts(program):
    asking = program(A)
    ApiToken.objects.update(expires_on=now().date())
    assert asking.get("cases/").status_code == 200


def test_a_token_acts_as_its_user_even_with_somebody_elses_session(program, demo_users, whole_case):
    asking = program(B)
    asking.client.force_login(demo_users[A])
    assert asking.get(f"cases/{whole_case.pk}/").status_code == 404
    assert asking.get("cases/").status_code == 200
    assert entered_as() == demo_users[B].pk


def test_a_session_reads_and_writes_with_the_csrf_token_alone(demo_users, whole_case):
    client = Client(enforce_csrf_checks=True)
    client.force_login(demo_users[A])
    assert client.get(f"{ROOT}cases/{whole_case.pk}/").status_code == 200
    response = client.post(f"{ROOT}cases/{whole_case.pk}/close/")
    assert response.status_code == 403
    assert "CSRF" in problem_of(response)["detail"]


def test_signed_out_only_the_schema_is_served(client):
    for name in KINDS:
        assert client.get(f"{ROOT}{name}/").status_code == 401
        assert client.post(f"{ROOT}{name}/").status_code == 401
    assert client.get(ROOT).status_code == 401
    assert client.get(f"{ROOT}nowhere/").status_code == 401
    assert client.get(f"{ROOT}schema/").status_code == 200
    assert client.get(f"{ROOT}docs/").status_code == 200


def test_a_token_opens_nothing_after_its_users_role_ended(program, demo_users, whole_case):
    asking = program(A)
    assert asking.get(f"cases/{whole_case.pk}/").status_code == 200
    demo_users[A].memberships.update(ends_on=now().date() - timedelta(days=1))
    assert asking.get(f"cases/{whole_case.pk}/").status_code == 404
