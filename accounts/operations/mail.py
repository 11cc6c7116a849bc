"""Mails about how somebody signs in."""

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
    """Subject and body in the user's language; they name nobody.

    It is queued in the place of whom it is for, as here nobody may be signed in and the outbox takes nothing from
    nobody; of a closed account in that of `sender`. `to` is an address that the user had before.
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
