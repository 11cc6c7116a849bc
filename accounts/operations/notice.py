"""Notices within the site, and the mails that go with some of them."""

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
    """Add a notice for a user in their language, unless they have one with this key. The text names nobody.

    `text` is a message marked with gettext_noop, `words` are its arguments.
    """
    with translation.override(recipient.language):
        translated = _(text) % words
    Notice.objects.bulk_create(
        [Notice(recipient=recipient, key=key, text=translated, url=url, created_at=now)],
        ignore_conflicts=True,
    )


def leave_notices(*, recipients: Iterable[User], **notice: Any) -> None:
    """Add the same notice for several users."""
    for user in recipients:
        leave_notice(recipient=user, **notice)


@transaction.atomic
def mark_notices_read(*, by, now: datetime) -> int:
    """Mark all of the user's own notices as read; returns how many were unread."""
    return Notice.objects.editable_by(by).unread().update(read_at=now)


def notify(
    *,
    addresses: Mapping[User, str],
    key: str,
    text: str,
    words: tuple[object, ...] = (),
    mail_key: str = "",
    now: datetime,
) -> None:
    """Add a notice and a mail with the same text for each of these users; `addresses` maps each to the link's path.

    `text` is a message marked with gettext_noop, which names nobody. Raises IntegrityError if the key was used before.
    Of all notices with the same `mail_key` a user gets one mail.
    """
    for user, url in addresses.items():
        leave_notice(recipient=user, key=key, text=text, words=words, url=url, now=now)
        with translation.override(user.language):
            subject = _(text) % words
        body = f"{subject}\n\n{settings.SITE_URL}{url}\n"
        outbox.queue(
            key=f"{mail_key or key}:{user.pk}",
            recipient=user.email,
            subject=subject,
            body=body,
            now=now,
            skip_repeated=bool(mail_key),
        )


def notify_access_managers(*, organisations: Iterable[UUID], now: datetime, **notice: Any) -> None:
    """Notify the focal points and supervisors of these organisations about access, with `notify_users`."""
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
    """Add a notice and a mail about access for each of these users, written acting as its recipient.

    A user with a closed account gets only the mail, written acting as the first recipient whose account is active.
    """
    users = list(recipients)
    sender = next((user for user in users if user.is_active), None)
    for user in users:
        if user.is_active:
            with acting_as(user):
                leave_notice(recipient=user, key=key, text=text, url=url, now=now, words=words)

        def mail() -> tuple[str, str]:
            return _("Access to Sahayatra has changed"), "\n\n".join(
                [_(text) % words, f"{settings.SITE_URL}{url}"]
            )

        if user.is_active or sender is not None:
            mail_about_sign_in(user, mail, now=now, sender=sender)


@transaction.atomic
def change_language(*, by, language: str) -> None:
    """Set the language of the user's mails and notices."""
    by.language = language
    by.save(update_fields=["language"])
