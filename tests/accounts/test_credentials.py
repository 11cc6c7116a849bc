"""Whoever gives access never chooses the password: each way that one user could take to another's account."""

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from accounts.models import User
from core.context import acting_as
from reintegration.demo import password_of
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
