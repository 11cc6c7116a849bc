"""The outbox: mail that an action causes is written in the action's transaction and sent later, once.

Messages are claimed, sent and settled one by one. A sender that dies leaves its lease; after that the next sender
checks whether the message was already delivered before it sends again. SMTP can't be asked: there the second copy has
the same Message-ID, so mail programs show only one.
"""

import logging
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

logger = logging.getLogger(__name__)
LEASE = timedelta(minutes=2)
MOST_TRIES = 10  # as in core/sql/020_outbox.sql; a message that ends its sender was never settled
FORMER = "former:"  # prefix of the key of a mail to a user's former address, about the change


class Claimed(NamedTuple):
    """A message that this process has claimed, as `access.claim_mail` returns it."""

    id: UUID
    token: UUID
    recipient: str
    subject: str
    body: str
    attempts: int
    key: str


def queue(
    *, key: str, recipient: str, subject: str, body: str, now: datetime, skip_repeated: bool = False
) -> None:
    """Add a message that is sent after this transaction.

    Raises IntegrityError if the key was used before; with `skip_repeated` the message is left out then.
    """
    message = OutboxMessage(key=key, recipient=recipient, subject=subject, body=body, created_at=now)
    OutboxMessage.objects.bulk_create([message], ignore_conflicts=skip_repeated)


def deliver(*, now: datetime | None = None, limit: int = 500) -> dict[str, int]:
    """Send waiting messages, at most `limit`. Returns the counts of `sent`, `already` (sent before) and `failed`."""
    counts = {"sent": 0, "already": 0, "failed": 0}
    for _ in range(limit):
        message = _claim(now or clock.now())
        if message is None:
            break
        counts[_send(message, now or clock.now())] += 1
    return counts


def mark_all_sent(*, now: datetime) -> None:
    """Mark all waiting messages as sent without sending them, for demo data."""
    while message := _claim(now):
        _settle(message, now, None)


def _claim(at: datetime) -> Claimed | None:
    with as_nobody(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM access.claim_mail(%s, %s)", [at, LEASE])  # type: ignore[list-item]
        row = cursor.fetchone()
    return Claimed(*row) if row else None


def _send(message: Claimed, at: datetime) -> str:
    """Send and settle one message, and return its outcome as `deliver` counts it."""
    outcome, error = "sent", None
    if not message.key.startswith(FORMER) and not _signs_in(message.recipient):
        outcome, error = "failed", "the recipient signs in no more"
    elif message.attempts > 1 and was_sent(message.id):
        outcome = "already"
    elif message.attempts > MOST_TRIES:
        outcome, error = "failed", "it was tried too often"
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
        except Exception as problem:  # one message that can't be made must not keep back the others
            logger.exception("a mail could not be made")
            outcome, error = "failed", type(problem).__name__
    _settle(message, at, error)
    return outcome


def _settle(message: Claimed, at: datetime, error: str | None) -> None:
    with as_nobody(), connection.cursor() as cursor:
        cursor.execute("SELECT access.settle_mail(%s, %s, %s, %s)", [message.id, message.token, at, error])


def _signs_in(recipient: str) -> bool:
    """Return whether this is still the address of an active user: mail can wait longer than an account lasts."""
    return get_user_model()._default_manager.filter(email=recipient, is_active=True).exists()


def message_id(message: UUID) -> str:
    """Return the Message-ID, the same for every attempt, so that a second copy is recognised."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].partition("@")[2] or "localhost"
    return f"<{message}@{domain}>"


def was_sent(message: UUID) -> bool:
    """Return whether the message is in the folder of mail files; False for SMTP, which can't be asked."""
    folder = getattr(settings, "EMAIL_FILE_PATH", None)
    if not folder or not settings.EMAIL_BACKEND.endswith("filebased.EmailBackend"):
        return False
    wanted = f"Message-ID: {message_id(message)}"
    return any(wanted in path.read_text(errors="replace") for path in Path(folder).glob("*.log"))
