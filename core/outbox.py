"""Mail that an action causes: written in the action's transaction, sent later, once.

A message is leased, sent and settled one by one. A sender that dies leaves a lease behind; the next one
asks the carrier whether the message went out before it sends again. SMTP can't be asked: there the second
copy carries the same Message-ID, by which mail programs show one.
"""

from datetime import datetime, timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage
from django.db import connection

from core import clock
from core.context import as_nobody
from core.models import OutboxMessage

LEASE = timedelta(minutes=2)
FORMER = "former:"  # begins the key of a mail to an address that was somebody's, who is told of what changed


class Claimed(NamedTuple):
    id: UUID
    token: UUID
    recipient: str
    subject: str
    body: str
    attempts: int
    key: str


def queue(*, key: str, recipient: str, subject: str, body: str, now: datetime) -> None:
    """Write a message down, to be sent after this transaction; the same key twice is an error."""
    OutboxMessage.objects.create(key=key, recipient=recipient, subject=subject, body=body, created_at=now)


def deliver(*, now: datetime | None = None, limit: int = 500) -> dict[str, int]:
    """Send what waits, at most `limit` messages. Returns how many were sent, known as sent, and failed."""
    figures = {"sent": 0, "already": 0, "failed": 0}
    for _ in range(limit):
        message = _claim(now or clock.now())
        if message is None:
            break
        figures[_carry(message, now or clock.now())] += 1
    return figures


def mark_all_sent(*, now: datetime) -> None:
    """Mark all that waits as sent, without sending it: what is told of invented people's past goes to nobody."""
    while message := _claim(now):
        _settle(message, now, None)


def _claim(at: datetime) -> Claimed | None:
    with as_nobody(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM access.claim_mail(%s, %s)", [at, LEASE])  # type: ignore[list-item]
        row = cursor.fetchone()
    return Claimed(*row) if row else None


def _carry(message: Claimed, at: datetime) -> str:
    outcome, error = "sent", None
    if not message.key.startswith(FORMER) and not _signs_in(message.recipient):
        outcome, error = "failed", "the recipient signs in no more"
    elif message.attempts > 1 and was_carried(message.id):
        outcome = "already"
    else:
        try:
            EmailMessage(
                message.subject,
                message.body,
                to=[message.recipient],
                headers={"Message-ID": message_id(message.id)},
            ).send()
        except OSError as problem:  # smtplib's errors and refused connections are all OSErrors
            outcome, error = "failed", f"{type(problem).__name__}: {problem}"
    _settle(message, at, error)
    return outcome


def _settle(message: Claimed, at: datetime, error: str | None) -> None:
    with as_nobody(), connection.cursor() as cursor:
        cursor.execute("SELECT access.settle_mail(%s, %s, %s, %s)", [message.id, message.token, at, error])


def _signs_in(recipient: str) -> bool:
    """Whether it still is the address of somebody who may sign in: mail can wait longer than people stay."""
    return get_user_model()._default_manager.filter(email=recipient, is_active=True).exists()


def message_id(message: UUID) -> str:
    """The same for every try, so that a second copy is known as one."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].partition("@")[2] or "localhost"
    return f"<{message}@{domain}>"


def was_carried(message: UUID) -> bool:
    """Whether the carrier says that it has the message already. Mail files can be asked, SMTP can't."""
    folder = getattr(settings, "EMAIL_FILE_PATH", None)
    if not folder or not settings.EMAIL_BACKEND.endswith("filebased.EmailBackend"):
        return False
    wanted = f"Message-ID: {message_id(message)}"
    return any(wanted in path.read_text(errors="replace") for path in Path(folder).glob("*.log"))
