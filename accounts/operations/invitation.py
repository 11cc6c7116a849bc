"""Invitations: a mail with a one-time link where a new user chooses a password. Limited by sender and address."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.operations.lock import locked_user
from accounts.operations.mail_count import count_mail
from accounts.operations.password import set_password
from accounts.queries import awaits_password, invitations, is_invited, may_configure, users_managed_by
from core import audit, outbox
from core.context import acting_as


@transaction.atomic
def invite_again(*, user: User, by, now: datetime) -> None:
    """Mail a new invitation to a user without a password.

    By an administrator to anybody, by a focal point to a user of their own organisations. Raises PermissionDenied or
    ValidationError.
    """
    if not may_configure(by) and not users_managed_by(by).filter(pk=user.pk).exists():
        raise PermissionDenied
    user = locked_user(user)
    if not awaits_password(user):
        raise ValidationError(_("This user has already chosen a password."))
    invite(user=user, by=by, now=now)


def invitation_path(user: User) -> str:
    """Return the path of the one-time link."""
    return reverse("accounts:invitation", args=[user.pk, invitations.make_token(user)])


@transaction.atomic
def invite(*, user: User, by, now: datetime) -> None:
    """Mail an invitation. It names no user and no organisation; the page shows the rest. Raises TooManyInvitations."""
    count_mail(user=user, email=user.email, by=by, now=now)
    path = invitation_path(user)
    with translation.override(user.language):
        subject = _("Your invitation to Sahayatra")
        body = _(
            "You have been invited to Sahayatra. Open this address within three days and choose a password:"
        )
        after = _("If you did not expect an invitation, delete this mail.")
    with acting_as(user):  # the outbox takes no message from nobody, for whom the worker acts
        outbox.queue(
            key=f"invitation:{user.pk}:{now.timestamp()}",
            recipient=user.email,
            subject=subject,
            body=f"{body}\n\n{settings.SITE_URL}{path}\n\n{after}\n",
            now=now,
        )
    audit.record(by=by, verb="invitation sent", obj=user, now=now)


@transaction.atomic
def accept_invitation(*, user_id: UUID, token: str, password: str, now: datetime) -> User:
    """Set the password that an invited user chose. The row is locked, so that a link is used only once.

    Raises PermissionDenied for an invalid link, ValidationError for an unsuitable password.
    """
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None or not is_invited(user, token):
        raise PermissionDenied
    with acting_as(user):  # nobody is signed in
        set_password(user, password)
        audit.record(by=user, verb="password chosen", obj=user, now=now)
    return user
