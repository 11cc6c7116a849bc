"""A forgotten password: one link, for an hour, used once, that opens nothing by itself and reveals nothing to
strangers.
"""

import re
import time
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.operations import password
from accounts.operations.password import mail_resets, reset_password
from accounts.operations.users import save_user
from accounts.queries import reset_link
from accounts.throttle_models import ResetAsked
from core import outbox
from core.clock import now
from tests.factors import LOGIN, enrolled, give_password, is_in

pytestmark = pytest.mark.django_db
WHO, FORGOTTEN = "ngo_a_caseworker", "/accounts/password/forgotten/"
CHOSEN = {"password": "a quite new sentence 9", "again": "a quite new sentence 9"}


@pytest.fixture
def mails(monkeypatch) -> list[dict]:
    """Return mails as they are queued: nobody may read the table."""
    kept: list[dict] = []
    real = outbox.queue
    monkeypatch.setattr(outbox, "queue", lambda **mail: (kept.append(mail), real(**mail)))
    return kept


def forgot(email: str):
    """Ask for a link, and let the worker mail it; return the page."""
    page = Client().post(FORGOTTEN, {"email": email})
    mail_resets(now=now())
    return page


def test_a_link_is_mailed_and_works_once(demo_users, mails):
    user = demo_users[WHO]
    forgot(user.email.upper())
    [mail] = mails
    assert mail["recipient"] == user.email
    assert not any(word in mail["body"] for word in (user.username, user.first_name, user.last_name))
    path = re.search(r"/accounts/password/\S+/", mail["body"])[0]
    assert not any(word in path for word in (str(user.pk), user.username))
    client = Client()
    assert client.get(path).status_code == 200
    assert "at least 12" in client.post(path, {"password": "short", "again": "short"}).content.decode()
    done = client.post(path, CHOSEN)
    assert (done.status_code, done["Location"]) == (302, LOGIN)
    assert not is_in(client)
    assert client.get(path).status_code == 404
    assert client.post(path, CHOSEN).status_code == 404
    assert give_password(client, WHO, CHOSEN["password"]).status_code == 302
    assert [mail["subject"] for mail in mails][1:] == ["Your password for Sahayatra has changed"]


def test_a_link_ends_after_an_hour_with_signing_in_and_with_closing(demo_users, time_machine):
    def opens(link: str) -> bool:
        return Client().get(f"/accounts/password/{link}/").status_code == 200

    first = reset_link(demo_users[WHO])
    assert opens(first)
    give_password(Client(), WHO)
    assert not opens(first)
    second = reset_link(demo_users[WHO])
    time_machine.move_to(now() + timedelta(minutes=61))
    assert not opens(second)
    third, user = reset_link(demo_users[WHO]), demo_users[WHO]
    assert opens(third)
    user.is_active = False
    save_user(user=user, by=None, now=now())
    assert not opens(third)


def test_after_a_change_of_address_a_link_alone_resets_nothing(demo_users):
    user, moment = demo_users[WHO], now()
    enrolled(user)
    User.objects.filter(pk=user.pk).update(email_changed_at=moment)
    user.refresh_from_db()
    given = {"link": reset_link(user), "password": CHOSEN["password"], "now": moment}
    with pytest.raises(PermissionDenied):
        reset_password(**given)
    reset_password(**given, is_by_factor=True)
    assert give_password(Client(), WHO, CHOSEN["password"]).status_code == 302


@pytest.mark.parametrize("forged", ["x", "a:b:c", "..%2F..", "%00", "W10:1abc:x"])
def test_a_forged_link_opens_nothing(demo_users, forged):
    assert Client().get(f"/accounts/password/{forged}/").status_code == 404


def test_anothers_link_cannot_be_made_from_ones_own(demo_users):
    link = reset_link(demo_users[WHO])
    key, rest = link.split(":", 1)
    other = reset_link(demo_users["ngo_a_reader"]).split(":", 1)[0]
    assert Client().get(f"/accounts/password/{other}:{rest}/").status_code == 404
    assert Client().get(f"/accounts/password/{key}:{rest}/").status_code == 200


def test_strangers_learn_nothing_from_the_page_or_its_work(demo_users, mails):
    """The same statements whether or not a user has the address; the worker looks for them."""
    pages, statements = set(), set()
    for email in (demo_users[WHO].email, "nobody@example.org"):
        with CaptureQueriesContext(connection) as queries:
            page = Client().post(FORGOTTEN, {"email": email})
        pages.add(re.sub(r'value="[A-Za-z0-9]{64}"', "", page.content.decode()))
        statements.add(tuple(re.sub(r"'[^']*'|_x\d+", "?", query["sql"]) for query in queries))
    assert (len(pages), len(statements)) == (1, 1)
    assert mails == []
    assert mail_resets(now=now()) == 2
    assert [mail["recipient"] for mail in mails] == [demo_users[WHO].email]
    assert not ResetAsked.objects.exists()


def test_asking_for_a_link_never_waits(demo_users, monkeypatch):
    """A worker process that sleeps answers nobody else."""
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("slept"))
    for email in (demo_users[WHO].email, "nobody@example.org") * 4:
        assert Client().post(FORGOTTEN, {"email": email}).status_code == 200


def test_a_link_that_cant_be_mailed_keeps_back_no_other(demo_users, mails, monkeypatch):
    for username in (WHO, "ngo_a_reader"):
        Client().post(FORGOTTEN, {"email": demo_users[username].email})
    real = password.users_at

    def broken(email: str, **given):
        if email == demo_users[WHO].email:
            raise ValueError("no user")
        return real(email, **given)

    monkeypatch.setattr(password, "users_at", broken)
    assert mail_resets(now=now()) == 2
    assert [mail["recipient"] for mail in mails] == [demo_users["ngo_a_reader"].email]


def test_a_user_without_a_first_password_gets_no_link(demo_users, mails):
    user = demo_users[WHO]
    user.set_unusable_password()
    user.save()
    forgot(user.email)
    assert mails == []


def test_mails_to_one_mailbox_are_limited(demo_users, mails, time_machine):
    time_machine.move_to(now(), tick=False)
    for _time in range(7):
        page = forgot(demo_users[WHO].email)
        assert (page.status_code, "Check your e-mail" in page.content.decode()) == (200, True)
    assert len(mails) == 5


def test_links_that_strangers_ask_for_lock_nobody_out(demo_users, mails, time_machine):
    """Neither from signing in, from whichever address the stranger uses, nor from a link of their own later."""
    time_machine.move_to(now(), tick=False)
    for number in range(40):
        for email in (demo_users[WHO].email, f"{number}@example.org"):
            assert forgot(email).status_code == 200
    client = Client()
    assert give_password(client, WHO).status_code == 302
    assert is_in(client)
    time_machine.move_to(now() + timedelta(minutes=5), tick=False)
    sent = len(mails)
    forgot(demo_users[WHO].email)
    assert len(mails) == sent + 1
