"""Invitations are limited: by sender and by address, however many are sent at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core import mail
from django.db import connection

from accounts.models import AccessRequest, Notice, User
from accounts.operations import mail_count
from accounts.operations.factor import reset_second_factor
from accounts.operations.invitation import invite
from accounts.operations.mail_count import TooManyInvitations
from accounts.operations.users import save_user
from accounts.rules import INVITATIONS_A_DAY
from accounts.throttle_models import InvitationSent
from core import outbox
from core.clock import now
from core.context import acting_as
from tests import factories
from tests.accounts.requests import FOCAL, SECOND, a_new_user, decided
from tests.pages import text_of

TRIES = 20


def invited(demo_users) -> User:
    """Return the reader of NGO_A, who has not chosen a password yet."""
    user = demo_users["ngo_a_reader"]
    user.set_unusable_password()
    user.save(update_fields=["password"])
    return user


@pytest.mark.django_db
def test_invitations_to_one_address_are_bounded(sign_in, demo_users):
    user, client = invited(demo_users), sign_in(FOCAL)
    where = f"/team/{user.pk}/invitation/"
    pages = [text_of(client.post(where, follow=True)) for _time in range(TRIES)]
    assert ["Too many invitations were sent to this address" in page for page in pages] == [
        number >= INVITATIONS_A_DAY["address"] for number in range(TRIES)
    ]
    assert InvitationSent.objects.filter(user=user).count() == INVITATIONS_A_DAY["address"]


@pytest.mark.django_db
def test_invitations_are_counted_by_mailbox_and_day(demo_users):
    for number, email in enumerate(
        ["a@example.org", "A+1@example.org", "a+2@example.org", "a+3@example.org"]
    ):
        user = User.objects.create(username=f"u{number}", email=email)
        with acting_as(user):
            invite(user=user, by=None, now=now())
    with acting_as(user), pytest.raises(TooManyInvitations):
        invite(user=user, by=None, now=now())
    with acting_as(user):
        invite(user=user, by=None, now=now() + timedelta(hours=25))


@pytest.mark.django_db
def test_an_approved_role_is_given_though_the_mails_of_the_day_are_used_up(sign_in, demo_users, time_machine):
    """Others could use them up day after day. Who asked and who approved are notified; the invitation is sent later."""
    with acting_as(demo_users["ngo_a_caseworker"]):
        factories.a_case(demo_users["ngo_a_caseworker"])
    made = a_new_user(demo_users)
    for number in range(INVITATIONS_A_DAY["address"]):
        other = User.objects.create(username=f"u{number}", email=made.email)
        with acting_as(other):
            invite(user=other, by=None, now=now())
    request = decided(demo_users, SECOND, AccessRequest.objects.get(user=made))
    assert request.state == "done"
    assert made.memberships.filter(role__code="caseworker").count() == 1
    assert not InvitationSent.objects.filter(user=made).exists()
    for username in (FOCAL, SECOND):
        with acting_as(demo_users[username]):
            notices = Notice.objects.visible_to(demo_users[username])
            assert notices.filter(text__contains="no invitation was sent").count() == 1
    time_machine.move_to(now() + timedelta(hours=25))
    sign_in(FOCAL).post(f"/team/{made.pk}/invitation/")
    assert InvitationSent.objects.filter(user=made).count() == 1


@pytest.mark.django_db
def test_a_closed_account_reopens_though_the_mails_of_the_day_are_used_up(demo_users):
    with acting_as(demo_users["ngo_a_caseworker"]):
        factories.a_case(demo_users["ngo_a_caseworker"])
    user, by = demo_users["ngo_a_reader"], demo_users["administrator"]
    for is_active in (False, True):
        user.is_active = is_active
        with acting_as(by):
            save_user(user=user, by=by, now=now())
    for number in range(INVITATIONS_A_DAY["address"]):
        other = User.objects.create(username=f"u{number}", email=user.email)
        with acting_as(other):
            invite(user=other, by=None, now=now())
    assert decided(demo_users, SECOND, AccessRequest.objects.get(user=user)).state == "done"
    assert User.objects.get(pk=user.pk).is_active


@pytest.mark.django_db
def test_invitations_from_one_user_are_bounded(demo_users):
    by = demo_users["administrator"]
    with acting_as(by):
        for number in range(INVITATIONS_A_DAY["sender"]):
            user = User.objects.create(username=f"u{number}", email=f"u{number}@example.org")
            invite(user=user, by=by, now=now())
        with pytest.raises(TooManyInvitations, match="You sent too many"):
            other = User.objects.create(username="other", email="other@example.org")
            invite(user=other, by=by, now=now())


@pytest.mark.django_db
def test_mails_about_a_removed_factor_are_bounded(demo_users):
    """An administrator adds a user with a stranger's address, and removes their second step again and again."""
    by = demo_users["administrator"]
    with acting_as(by):
        user = User.objects.create(username="new", email="stranger@example.org")
        with pytest.raises(TooManyInvitations):
            for _time in range(TRIES):
                reset_second_factor(user=user, by=by, now=now())
    outbox.deliver(now=now())
    assert len(mail.outbox) <= INVITATIONS_A_DAY["address"]


def _sent_at_once(demo_users) -> int:
    user, start = invited(demo_users), Barrier(TRIES)

    def send(_number: int) -> bool:
        try:
            start.wait(timeout=60)
            with acting_as(user):
                invite(user=user, by=None, now=now())
        except TooManyInvitations:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(TRIES) as pool:
        return list(pool.map(send, range(TRIES))).count(True)


def test_twenty_at_once_send_no_more_than_one_after_the_other(committed, demo_users):
    assert _sent_at_once(demo_users) == INVITATIONS_A_DAY["address"]


def test_without_the_lock_more_would_be_sent(committed, demo_users, monkeypatch):
    monkeypatch.setattr(mail_count, "_lock", lambda key: None)
    assert _sent_at_once(demo_users) > INVITATIONS_A_DAY["address"]
