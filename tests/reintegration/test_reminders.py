"""Reminders: each due follow-up is notified once, to the right user, in words that name nobody."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from django.core import mail
from django.db import connection

from accounts.models import Membership, Notice, User
from core import outbox
from core.clock import now
from core.context import acting_as
from reintegration.models import FollowUp, Reminder
from reintegration.operations import reminder
from reintegration.operations.follow_up import record_follow_up
from reintegration.operations.reminder import send_due_reminders
from tests import databases, factories

pytestmark = pytest.mark.usefixtures("set_up")
A = "ngo_a_caseworker"


def _all_sent(owner) -> None:
    """Mark the demo data's own reminders and mails as sent."""
    owner.execute("DELETE FROM core_outboxmessage")
    owner.execute(
        "UPDATE reintegration_reminder SET sent_at = now(), recipient_id = u.id "
        "FROM (SELECT id FROM accounts_user LIMIT 1) u WHERE sent_at IS NULL"
    )


@pytest.fixture
def due(demo_users, committed, owner):
    """Return a case whose call fell due three days ago."""
    _all_sent(owner)
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
        factories.admitted(case, demo_users[A], enrolled_on=now().date() - timedelta(days=10))
    return case


def test_a_due_follow_up_is_notified_once(due, demo_users):
    assert send_due_reminders(now=now()) == {"sent": 1, "without_recipient": 0}
    assert send_due_reminders(now=now()) == {"sent": 0, "without_recipient": 0}
    assert outbox.deliver() == {"sent": 1, "already": 0, "failed": 0}
    assert outbox.deliver() == {"sent": 0, "already": 0, "failed": 0}
    [message] = mail.outbox
    assert message.to == ["ngo_a_caseworker@example.org"]
    assert message.subject.startswith("Contact due on")
    assert due.reference in message.subject
    assert f"/cases/{due.reference}/" in message.body
    for personal in ("Sunita", "Tamang", "सुनिता", "Was not paid"):
        assert personal not in message.subject + message.body
    with acting_as(demo_users[A]):
        [notice] = Notice.objects.visible_to(demo_users[A]).filter(text__contains=due.reference)
        assert notice.url == f"/cases/{due.reference}/"


def test_a_follow_up_that_is_not_due_is_not_notified(due, demo_users):
    assert send_due_reminders(now=now() - timedelta(days=5))["sent"] == 0


def test_a_recorded_follow_up_and_a_closed_case_are_not_notified(due, demo_users, owner):
    owner.execute(
        "UPDATE beneficiaries_case SET status = 'closed', closed_on = opened_on WHERE id = %s", [str(due.pk)]
    )
    assert send_due_reminders(now=now())["sent"] == 0


def test_when_the_caseworker_left_a_colleague_is_notified(due, demo_users, owner):
    second = User.objects.create(username="second", email="second@example.org")
    role = Membership.objects.get(user=demo_users[A]).role
    Membership.objects.create(user=second, role=role, starts_on=date(2010, 1, 1) - timedelta(days=1))
    left = Membership.objects.filter(user__in=[demo_users[A], demo_users["ngo_a_supervisor"]])
    left.update(ends_on=now().date() - timedelta(days=1))
    assert send_due_reminders(now=now())["sent"] == 1
    outbox.deliver()
    assert [message.to for message in mail.outbox] == [["second@example.org"]]


def test_with_nobody_to_notify_the_sweep_reports_it(due, demo_users):
    Membership.objects.filter(role__organisation__code="NGO_A").update(
        ends_on=now().date() - timedelta(days=1)
    )
    assert send_due_reminders(now=now()) == {"sent": 0, "without_recipient": 1}


def test_the_words_are_in_the_recipients_language(due, demo_users):
    user = demo_users[A]
    user.language = "ne"
    user.save(update_fields=["language"])
    send_due_reminders(now=now())
    outbox.deliver()
    assert due.reference in mail.outbox[0].subject


def test_a_reminder_that_fails_keeps_back_no_other(due, demo_users, monkeypatch):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
        factories.admitted(case, demo_users[A], enrolled_on=now().date() - timedelta(days=8))
    words = reminder._words

    def broken(found: reminder.Due) -> tuple[str, str, str]:
        if found.reference == due.reference:  # the oldest, which is taken first
            raise ValueError("no words")
        return words(found)

    monkeypatch.setattr(reminder, "_words", broken)
    assert send_due_reminders(now=now()) == {"sent": 1, "without_recipient": 0}
    outbox.deliver()
    assert case.reference in mail.outbox[0].subject
    monkeypatch.undo()
    assert send_due_reminders(now=now()) == {"sent": 1, "without_recipient": 0}


def test_parallel_sweeps_notify_each_follow_up_once(demo_users, committed, owner):
    _all_sent(owner)
    with acting_as(demo_users[A]):
        for _ in range(12):
            factories.admitted(
                factories.a_case(demo_users[A]), demo_users[A], enrolled_on=now().date() - timedelta(days=8)
            )

    def sweep(_number: int) -> int:
        try:
            return send_due_reminders(now=now())["sent"]
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(sweep, range(6))) == 12
    owner.execute("SELECT count(*), count(DISTINCT key) FROM core_outboxmessage")
    assert owner.fetchone() == (12, 12)


def test_a_killed_sweep_loses_and_repeats_nothing(demo_users, committed, owner):
    """kill -9 in the middle, three times, then a whole sweep: each reminder has one notice and one mail."""
    _all_sent(owner)
    with acting_as(demo_users[A]):
        for _ in range(40):
            factories.admitted(
                factories.a_case(demo_users[A]), demo_users[A], enrolled_on=now().date() - timedelta(days=8)
            )
    environment = databases.environment(committed) | {"EMAIL_URL": "dummymail://"}
    command = [
        sys.executable,
        "manage.py",
        "shell",
        "-c",
        "from core.clock import now\nfrom reintegration.operations.reminder import send_due_reminders\n"
        "send_due_reminders(now=now())",
    ]
    killed = 0
    for _ in range(3):
        process = subprocess.Popen(command, env=environment, cwd=databases.ROOT, stdout=subprocess.DEVNULL)
        before, deadline = _sent(owner), time.monotonic() + 30
        while _sent(owner) < before + 3 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            killed += 1
        process.wait()
    assert killed, "the control: a sender was at work when it ended"
    send_due_reminders(now=now())
    owner.execute(
        "SELECT count(*) FROM reintegration_reminder WHERE sent_at IS NULL AND due_on <= %s", [now().date()]
    )
    assert owner.fetchone()[0] == 0
    owner.execute("SELECT count(*), count(DISTINCT key) FROM core_outboxmessage")
    assert owner.fetchone() == (40, 40)
    owner.execute("SELECT count(*), count(DISTINCT key) FROM accounts_notice WHERE key LIKE 'reminder:%'")
    assert owner.fetchone() == (40, 40)


def _sent(owner) -> int:
    owner.execute("SELECT count(*) FROM core_outboxmessage")
    return owner.fetchone()[0]


def test_a_sender_that_died_after_sending_does_not_send_again(due, demo_users, settings, tmp_path, owner):
    """The mail was sent, the mark was not written: the next sender checks the folder first."""
    settings.EMAIL_BACKEND, settings.EMAIL_FILE_PATH = (
        "django.core.mail.backends.filebased.EmailBackend",
        str(tmp_path),
    )
    send_due_reminders(now=now())
    assert outbox.deliver() == {"sent": 1, "already": 0, "failed": 0}
    owner.execute("UPDATE core_outboxmessage SET sent_at = NULL, lease_until = now() - interval '1 second'")
    assert outbox.deliver() == {"sent": 0, "already": 1, "failed": 0}
    assert len(list(tmp_path.glob("*.log"))) == 1


def test_mail_that_cannot_be_sent_waits_and_is_tried_again(due, settings, owner):
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = (
        "django.core.mail.backends.smtp.EmailBackend",
        "127.0.0.1",
        9,
    )
    send_due_reminders(now=now())
    assert outbox.deliver() == {"sent": 0, "already": 0, "failed": 1}
    owner.execute("SELECT attempts, last_error, sent_at FROM core_outboxmessage")
    attempts, error, sent_at = owner.fetchone()
    assert (attempts, sent_at) == (1, None)
    assert "ConnectionRefused" in error
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert outbox.deliver() == {"sent": 0, "already": 0, "failed": 0}, "it waits first"
    assert outbox.deliver(now=now() + timedelta(minutes=5)) == {"sent": 0, "already": 0, "failed": 0}
    owner.execute("UPDATE core_outboxmessage SET lease_until = now()")
    assert outbox.deliver(now=now()) == {"sent": 1, "already": 0, "failed": 0}


def test_recording_a_follow_up_is_done_once(due, demo_users):
    with acting_as(demo_users[A]):
        follow_up = FollowUp.objects.visible_to(demo_users[A]).get(case=due)
        given = {
            "done_on": now().date(),
            "outcome": "seen",
            "wellbeing": "good",
            "note": "Fine.",
            "by": demo_users[A],
            "now": now(),
        }
        record_follow_up(follow_up=follow_up, **given)
        from django.core.exceptions import ValidationError

        with pytest.raises(ValidationError, match="already saved"):
            record_follow_up(follow_up=follow_up, **given)
        assert (
            Reminder.objects.visible_to(demo_users[A]).filter(follow_up=follow_up, sent_at=None).count() == 1
        )
    assert send_due_reminders(now=now())["sent"] == 0
