"""Mail about signing in."""

from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

from django.utils import translation

from accounts.models import User
from core import outbox
from core.context import acting_as


def mail_about_sign_in(
    user: User,
    words: Callable[[], tuple[str, str]],
    *,
    now: datetime,
    to: str = "",
    sender: User | None = None,
) -> None:
    """Queue a mail to a user; `words` returns subject and body, in the user's language and without names.

    The outbox takes messages only from a user, and here nobody may be signed in: the message is written acting as its
    recipient, or as `sender` if the recipient's account is closed. `to` is a former address of the user.
    """
    with translation.override(user.language):
        subject, body = words()
    is_former = not user.is_active or to not in ("", user.email)
    with acting_as(user if user.is_active else sender or user):
        outbox.queue(
            key=f"{outbox.FORMER if is_former else ''}sign-in:{uuid4()}",
            recipient=to or user.email,
            subject=subject,
            body=f"{body}\n",
            now=now,
        )
