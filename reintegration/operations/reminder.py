"""Turn each due reminder into a notice and a mail, once.

The table is the queue. Each reminder is taken in its own transaction with SKIP LOCKED: a worker that dies leaves the
row unchanged, and concurrent workers never take the same one. The mail is a row of the outbox, written in the same
transaction under the reminder's key.
"""

import logging
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import formats, translation
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.operations.notice import leave_notice
from core import audit, outbox
from core.context import acting_as, as_nobody
from reintegration.choices import FOLLOW_UP_KINDS
from reintegration.models import Reminder

logger = logging.getLogger(__name__)


class Due(NamedTuple):
    """A row of `access.next_due_reminder`."""

    reminder_id: UUID
    reference: str
    kind: str
    due_on: date
    recipient_id: UUID
    supervisor_ids: list[UUID]  # notified too, where the case has no caseworker


def send_due_reminders(*, now: datetime, limit: int = 2000) -> dict[str, int]:
    """Send up to `limit` due reminders; return how many were sent, and how many have no recipient.

    One that fails is logged and left for the next sweep, so that the others are sent.
    """
    taken, failed = 0, list[UUID]()
    while taken < limit and send_next_reminder(now=now, failed=failed):
        taken += 1
    with as_nobody(), connection.cursor() as cursor:
        cursor.execute("SELECT access.reminders_without_recipient(%s)", [now.date()])
        return {"sent": taken - len(failed), "without_recipient": cursor.fetchone()[0]}


@transaction.atomic
def send_next_reminder(*, now: datetime, failed: list[UUID]) -> bool:
    """Turn the next due reminder into a notice and a mail, as its recipient; False when none is due.

    Those in `failed` are left out, and this one is added to them if it can't be sent.
    """
    with as_nobody(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM access.next_due_reminder(%s, %s::uuid[])", [now.date(), failed])  # type: ignore[list-item]
        row = cursor.fetchone()
    if row is None:
        return False
    due = Due(*row)
    try:
        with transaction.atomic():
            _send(due, now=now)
    except Exception:
        logger.exception("a reminder could not be sent")
        failed.append(due.reminder_id)
    return True


def _send(due: Due, *, now: datetime) -> None:
    recipient = User.objects.get(pk=due.recipient_id)
    with acting_as(recipient):
        _remind(recipient, due, key=f"reminder:{due.reminder_id}", now=now)
        for supervisor in User.objects.filter(pk__in=due.supervisor_ids):
            _remind(supervisor, due, key=f"reminder:{due.reminder_id}:{supervisor.pk}", now=now)
        unsent = Reminder.objects.editable_by(recipient).filter(pk=due.reminder_id, sent_at=None)
        changed = audit.update_and_record(unsent, sent_at=now, recipient_id=recipient.pk)
        if changed != 1:
            raise RuntimeError(f"reminder {due.reminder_id}: its recipient can't mark it")
        audit.record(by=recipient, verb="reminder sent", now=now, detail={"reminder": str(due.reminder_id)})


def _remind(recipient: User, due: Due, *, key: str, now: datetime) -> None:
    with translation.override(recipient.language):
        subject, body, url = _words(due)
        leave_notice(recipient=recipient, key=key, text=subject, url=url, now=now)
        outbox.queue(key=key, recipient=recipient.email, subject=subject, body=body, now=now)


def _words(due: Due) -> tuple[str, str, str]:
    """Return subject, body and URL: the case reference and the day, without a name."""
    words = {
        "kind": dict(FOLLOW_UP_KINDS)[due.kind],
        "reference": due.reference,
        "day": formats.date_format(due.due_on, "DATE_FORMAT"),
    }
    url = f"/cases/{due.reference}/"
    subject = _("%(kind)s due on %(day)s: case %(reference)s") % words
    body = _("A follow-up of case %(reference)s is due.\n\n%(kind)s, due on %(day)s\n") % words
    body += (
        "\n" + _("Read on the case file how it is safe to reach the person before you call or visit.") + "\n"
    )
    return subject, f"{body}\n{settings.SITE_URL}{url}\n", url
