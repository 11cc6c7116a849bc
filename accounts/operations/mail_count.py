"""Bounds of mails that one user causes to others' mailboxes: invitations, and notes of changes to an account."""

from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.rules import INVITATIONS_A_DAY, mailbox
from accounts.throttle_models import InvitationSent

LOCKS = 0x5A4B  # of PostgreSQL's advisory locks those of who sends a mail, and where to
DAY = timedelta(days=1)


class TooManyInvitations(ValidationError):
    """The day's mails of this user, or to this address, are used up."""


def count_mail(*, user: User, email: str, by, now: datetime) -> None:
    """One more for the address and for whoever sends it. Both are locked, so that many at once see each other."""
    address, sender = _digest(email), by.pk if by is not None else None
    _lock(address)
    if sender is not None:
        _lock(str(sender))
    today = InvitationSent.objects.filter(sent_at__gt=now - DAY)
    if today.filter(address=address).count() >= INVITATIONS_A_DAY["address"]:
        raise TooManyInvitations(
            _("Too many invitations were sent to this address in the last 24 hours. Try again tomorrow.")
        )
    if sender is not None and today.filter(sent_by=sender).count() >= INVITATIONS_A_DAY["sender"]:
        raise TooManyInvitations(_("You sent too many invitations in the last 24 hours. Try again tomorrow."))
    InvitationSent.objects.create(user=user, sent_by=by, address=address, sent_at=now)


def _digest(email: str) -> str:
    return salted_hmac("accounts.invitation", mailbox(email), algorithm="sha256").hexdigest()


def _lock(key: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCKS, key])


def is_or_was_invited(user: User) -> bool:
    """Whether somebody chose a password, or was mailed a link to choose one."""
    return user.has_usable_password() or InvitationSent.objects.filter(user=user).exists()
