"""Passwords: hashed with Argon2id, a bounded number at a time, long, and none that is common."""

from contextlib import ExitStack

import psycopg2
import pytest
from django.contrib.auth.hashers import identify_hasher, make_password
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client

from accounts import hashing
from accounts.operations.password import set_password
from accounts.throttle_models import SignInThrottle
from core import slots
from reintegration.demo import password_of
from tests import databases
from tests.factors import give_password

WHO = "ngo_a_caseworker"


def _taken(stack: ExitStack, name: str, slots: int) -> list:
    """Take slots as other processes do, each hashing one password until its transaction ends."""
    links = []
    for place in range(1, slots + 1):
        link = psycopg2.connect(databases.url("app", name))
        stack.callback(link.close)
        link.cursor().execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [hashing.LOCKS, place])
        links.append(link)
    return links


@pytest.mark.django_db
def test_passwords_are_hashed_with_argon2id(demo_users):
    assert demo_users[WHO].password.startswith("argon2$argon2id$")
    assert isinstance(identify_hasher(demo_users[WHO].password), hashing.CappedArgon2PasswordHasher)


@pytest.mark.django_db
def test_a_hash_costs_what_django_recommends(full_hashes):
    assert make_password("whatever").startswith("argon2$argon2id$v=19$m=102400,t=2,p=8$")


def test_beyond_the_limit_the_user_is_asked_to_try_again(committed, demo_users, settings, monkeypatch):
    monkeypatch.setattr(hashing, "PATIENCE", 0.2)
    settings.HASH_SLOTS = 3
    with ExitStack() as stack:
        links = _taken(stack, committed, 3)
        busy = give_password(Client(), WHO)
        assert (busy.status_code, busy["Retry-After"]) == (503, "5")
        assert "Many people are signing in just now" in busy.content.decode()
        assert not SignInThrottle.objects.exists()
        with pytest.raises(slots.Busy):
            make_password("whatever")
        links[1].rollback()  # one of them is done
        assert give_password(Client(), WHO).status_code == 302


def test_a_slot_that_is_free_soon_is_waited_for(committed, demo_users, settings):
    settings.HASH_SLOTS = 1
    with ExitStack() as stack:
        [link] = _taken(stack, committed, 1)
        from threading import Timer

        timer = Timer(0.5, link.rollback)
        timer.start()
        stack.callback(timer.join)
        assert give_password(Client(), WHO).status_code == 302


def test_a_slot_is_free_again_after_the_request(committed, demo_users, settings):
    settings.HASH_SLOTS = 1
    assert give_password(Client(), WHO).status_code == 302
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database())",
            [hashing.LOCKS],
        )
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db
@pytest.mark.parametrize("password", ["short-pass1", "password1234", "ngo_a_caseworker"])
def test_short_common_and_personal_passwords_are_refused(demo_users, password):
    with pytest.raises(ValidationError):
        set_password(demo_users[WHO], password)
    assert demo_users[WHO].check_password(password_of(WHO))
