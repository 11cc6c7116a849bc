"""Whoever gives access never chooses the password: each way that one user could take to another's account."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from accounts.models import ApiToken, Membership, Organisation, User
from accounts.operations.token import create_api_token, revoke_api_token
from core.clock import now
from core.context import acting_as, enter
from reintegration.demo import password_of
from tests import factories
from tests.factors import enrolled
from tests.projects.test_admin import address, send

pytestmark = pytest.mark.django_db
ADMINISTRATOR, WHO = "administrator", "ngo_a_caseworker"
PASSWORD = "a-long-enough-word-7"


def test_an_administrator_sets_nobodys_password(sign_in, demo_users):
    client, former_password = sign_in(ADMINISTRATOR), demo_users[WHO].password
    send(
        client,
        address(User, "add"),
        {
            "username": "newcomer",
            "email": "newcomer@example.org",
            "new_password": PASSWORD,
            "password": PASSWORD,
        },
    )
    assert not User.objects.get(username="newcomer").check_password(PASSWORD)
    send(
        client, address(User, "change", demo_users[WHO].pk), {"new_password": PASSWORD, "password": PASSWORD}
    )
    assert demo_users[WHO].password == former_password


@pytest.mark.parametrize("command", [("changepassword", WHO), ("createsuperuser", "--username", "me")])
def test_no_command_takes_a_password(demo_users, command, monkeypatch):
    monkeypatch.setattr("getpass.getpass", lambda *words: PASSWORD)
    with pytest.raises((CommandError, SystemExit)):
        call_command(*command)
    assert not demo_users[WHO].check_password(PASSWORD)


@pytest.mark.parametrize("by", [None, ADMINISTRATOR, "ngo_a_focal_point"])
def test_the_database_itself_lets_nobody_else_set_a_password(demo_users, by):
    user = demo_users[WHO]
    user.set_password(PASSWORD)

    def save() -> None:
        with transaction.atomic():
            user.save(update_fields=["password"])

    with pytest.raises(IntegrityError, match="password of another"):
        if by is None:
            save()
        else:
            with acting_as(demo_users[by]):
                save()
    with pytest.raises(IntegrityError, match="password of another"), transaction.atomic():
        User.objects.create(username="made", email="made@example.org", password=user.password)
    with acting_as(demo_users[WHO]):
        save()
    assert demo_users[WHO].check_password(PASSWORD)


def test_a_weaker_hash_is_replaced_when_its_user_signs_in(demo_users, settings):
    """Signing in replaces a weaker hash; no user is entered in the database at that moment."""
    settings.PASSWORD_HASHERS = list(reversed(settings.PASSWORD_HASHERS))
    user = demo_users[WHO]
    assert user.check_password(password_of(WHO))
    assert demo_users[WHO].password.startswith("pbkdf2_sha256$")


@pytest.mark.parametrize("by", [None, "ngo_b_caseworker"])
@pytest.mark.parametrize("change", ["data", "type", "user_id"])
def test_the_database_itself_lets_nobody_change_anothers_factor(demo_users, by, change):
    """A copy of one's own seed in another's row would be a code for their account."""
    enrolled(demo_users[WHO])
    other = demo_users["ngo_b_caseworker"]
    enrolled(other)
    theirs = Authenticator.objects.filter(user=demo_users[WHO], type=Authenticator.Type.TOTP)
    own = Authenticator.objects.get(user=other, type=Authenticator.Type.TOTP)
    value = {"data": own.data, "type": Authenticator.Type.WEBAUTHN, "user_id": other.pk}[change]
    with pytest.raises(IntegrityError, match="factor"), transaction.atomic():
        enter(demo_users[by].pk if by else None)
        theirs.update(**{change: value})


@pytest.mark.parametrize("by", [None, ADMINISTRATOR, WHO])
def test_the_database_itself_revives_no_token(demo_users, by):
    with acting_as(demo_users[WHO]):
        token, _text = create_api_token(user=demo_users[WHO], name="x", by=demo_users[WHO], now=now())
        revoke_api_token(token_id=token.pk, by=demo_users[WHO], now=now())
    kept = ApiToken.objects.filter(pk=token.pk)
    for change in ({"revoked_at": None}, {"expires_on": now().date() + timedelta(days=4000)}):
        with pytest.raises(IntegrityError, match="token"), transaction.atomic():
            enter(demo_users[by].pk if by else None)
            kept.update(**change)


@pytest.mark.parametrize("column", ["email_changed_at", "factor_reset_at", "password_mailed_at"])
def test_the_database_itself_keeps_when_a_credential_changed(demo_users, column):
    at = now()
    own = User.objects.filter(pk=demo_users[WHO].pk)
    own.update(**{column: at})
    for change in (None, at - timedelta(days=30)):
        own.update(**{column: change})
        assert own.values_list(column, flat=True).get() == at


def test_the_database_itself_keeps_a_role_that_began(demo_users):
    """Without it an account would count as one that never read a file."""
    with pytest.raises(IntegrityError, match="stays on record"), acting_as(demo_users[ADMINISTRATOR]):
        Membership.objects.filter(user=demo_users[WHO]).delete()


def test_the_application_writes_nowhere_since_when_there_are_cases(demo_users):
    third = factories.a_third_ngo()
    Organisation.objects.filter(pk=third.pk).update(cases_since=now())
    assert Organisation.objects.get(pk=third.pk).cases_since is None
    made = Organisation.objects.create(code="MADE", name_en="Made", kind="ngo", cases_since=now())
    assert Organisation.objects.get(pk=made.pk).cases_since is None
    Organisation.objects.filter(code="NGO_A").update(cases_since=None)
    assert Organisation.objects.get(code="NGO_A").cases_since is not None
