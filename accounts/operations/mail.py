"""Mails about how somebody signs in."""

from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

from django.utils import translation

from accounts.models import User
from core import outbox
from core.context import acting_as


def mail_about_sign_in(user: User, words: Callable[[], tuple[str, str]], *, now: datetime) -> None:
    """Subject and body in the person's language; they name nobody.

    It goes in the place of whom it is for: the outbox takes nothing from nobody, and here nobody may be signed in.
    """
    with translation.override(user.language):
        subject, body = words()
    with acting_as(user):
        outbox.queue(
            key=f"sign-in:{uuid4()}",
            recipient=user.email,
            subject=subject,
            body=f"{body}\n",
            now=now,
        )
