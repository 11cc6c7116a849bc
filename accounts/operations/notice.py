"""Notices: what users are told in the app, and with a mail where it concerns who may get in."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import Notice, User
from accounts.operations.mail import mail_about_sign_in
from accounts.queries import access_managers_of
from core import outbox
from core.context import acting_as


def leave_notice(
    *,
    recipient: User,
    key: str,
    text: str,
    url: str,
    now: datetime,
    words: tuple[object, ...] | dict[str, object] = (),
) -> None:
    """Tell a person something, once for each key, in their own language. The text names nobody.

    `text` is a message marked with gettext_noop; `words` fill it in.
    """
    with translation.override(recipient.language):
        said = _(text) % words
    Notice.objects.bulk_create(
        [Notice(recipient=recipient, key=key, text=said, url=url, created_at=now)], ignore_conflicts=True
    )


def leave_notices(*, recipients: Iterable[User], **notice: Any) -> None:
    """Tell several people the same."""
    for user in recipients:
        leave_notice(recipient=user, **notice)


@transaction.atomic
def mark_notices_read(*, by, now: datetime) -> int:
    """Mark all of a person's own notices as read; how many there were."""
    return Notice.objects.editable_by(by).unread().update(read_at=now)


def notify(
    *, addresses: Mapping[User, str], key: str, text: str, words: tuple[object, ...] = (), now: datetime
) -> None:
    """Leave each of these users a notice and a mail that says the same; `addresses` says where each is led.

    `text` is a message marked with gettext_noop, which names nobody; the same key twice is an error.
    """
    for user, url in addresses.items():
        leave_notice(recipient=user, key=key, text=text, words=words, url=url, now=now)
        with translation.override(user.language):
            subject = _(text) % words
        body = f"{subject}\n\n{settings.SITE_URL}{url}\n"
        outbox.queue(key=f"{key}:{user.pk}", recipient=user.email, subject=subject, body=body, now=now)


def notify_access_managers(*, organisations: Iterable[UUID], now: datetime, **notice: Any) -> None:
    """Tell the focal points and supervisors of these organisations something about access, at once."""
    notify_users(recipients=access_managers_of(organisations), now=now, **notice)


def notify_users(
    *,
    recipients: Iterable[User],
    key: str,
    text: str,
    url: str,
    now: datetime,
    words: tuple[object, ...] | dict[str, object] = (),
) -> None:
    """A notice, and a mail that names nobody. Each is written in its recipient's place: nobody may be signed in.

    A closed account gets the mail alone, as the first that is open.
    """
    told = list(recipients)
    sender = next((user for user in told if user.is_active), None)
    for user in told:
        if user.is_active:
            with acting_as(user):
                leave_notice(recipient=user, key=key, text=text, url=url, now=now, words=words)

        def mail() -> tuple[str, str]:
            return _("Access to Sahayatra has changed"), "\n\n".join(
                [_(text) % words, f"{settings.SITE_URL}{url}"]
            )

        if user.is_active or sender is not None:
            mail_about_sign_in(user, mail, now=now, sender=sender)
