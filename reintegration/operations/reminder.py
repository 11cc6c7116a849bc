"""The sweep: each due reminder becomes a notice and a mail, once.

The database is the queue. One reminder a transaction, taken with SKIP LOCKED: a sweep that is killed leaves
the row as it was, and sweeps side by side never take the same one. The mail is a row of the outbox, written
in the same transaction under the reminder's key.
"""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import formats, translation
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.operations import leave_notice
from core import audit, outbox
from core.context import acting_as, as_nobody
from reintegration.choices import FOLLOW_UP_KINDS
from reintegration.models import Reminder


class Due(NamedTuple):
    reminder_id: UUID
    reference: str
    kind: str
    due_on: date
    recipient_id: UUID
    supervisor_ids: list[UUID]  # told as well, where nobody works on the case


def send_due_reminders(*, now: datetime, limit: int = 2000) -> dict[str, int]:
    """One sweep. Returns how many were sent, and how many are due with nobody to tell."""
    sent = 0
    while sent < limit and send_next_reminder(now=now):
        sent += 1
    with as_nobody(), connection.cursor() as cursor:
        cursor.execute("SELECT access.reminders_without_recipient(%s)", [now.date()])
        return {"sent": sent, "without_recipient": cursor.fetchone()[0]}


@transaction.atomic
def send_next_reminder(*, now: datetime) -> bool:
    """Turn the next due reminder into a notice and a mail, acting as whoever is told; False when none is due."""
    with as_nobody(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM access.next_due_reminder(%s)", [now.date()])
        row = cursor.fetchone()
    if row is None:
        return False
    due = Due(*row)
    recipient = User.objects.get(pk=due.recipient_id)
    with acting_as(recipient):
        _remind(recipient, due, key=f"reminder:{due.reminder_id}", now=now)
        for supervisor in User.objects.filter(pk__in=due.supervisor_ids):
            _remind(supervisor, due, key=f"reminder:{due.reminder_id}:{supervisor.pk}", now=now)
        mine = Reminder.objects.editable_by(recipient).filter(pk=due.reminder_id, sent_at=None)
        changed = audit.note_update(mine, sent_at=now, recipient_id=recipient.pk)
        if changed != 1:
            raise RuntimeError(f"reminder {due.reminder_id}: the one who is told can't mark it")
        audit.record(by=recipient, verb="reminder sent", now=now, detail={"reminder": str(due.reminder_id)})
    return True


def _remind(recipient: User, due: Due, *, key: str, now: datetime) -> None:
    with translation.override(recipient.language):
        subject, body, url = _words(due)
        leave_notice(recipient=recipient, key=key, text=subject, url=url, now=now)
        outbox.queue(key=key, recipient=recipient.email, subject=subject, body=body, now=now)


def _words(due: Due) -> tuple[str, str, str]:
    """Subject, body and address: the case reference and the day, and nobody's name."""
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
