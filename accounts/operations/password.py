"""Passwords: changed by a signed-in user, or reset by a mailed link."""

import logging
from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.operations.lock import lock_own_account, locked_user
from accounts.operations.mail import mail_about_sign_in
from accounts.operations.session import end_sessions_of, end_tokens_of
from accounts.operations.throttle import MustWait, begin_try, count_failure
from accounts.queries import needs_factor_to_reset, reset_link, user_of_reset, users_at
from accounts.throttle_models import ResetAsked
from core import audit
from core.context import acting_as

logger = logging.getLogger(__name__)


def set_password(user: User, password: str) -> None:
    """Set the password and end all sessions, the current one too, so that a thief's ends.

    Raises ValidationError for an unsuitable password, PermissionDenied if the account has changed since it was read.
    """
    lock_own_account(user)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise ValidationError({"password": error.messages}) from error
    user.set_password(password)
    with acting_as(user):  # the database accepts a password only from its user
        user.save(update_fields=["password"])
    end_sessions_of(user)


@transaction.atomic
def change_password(*, password: str, by, now: datetime) -> None:
    """Change the signed-in user's password, and confirm it by mail."""
    set_password(by, password)
    audit.record(by=by, verb="password changed", obj=by, now=now)
    mail_about_sign_in(by, _changed, now=now)


@transaction.atomic
def ask_for_reset(*, email: str, keys: dict[str, str], now: datetime) -> None:
    """Let the worker mail a reset link to each account with this plain address: the same work whether there is one.

    Each attempt counts like a failed sign-in, so that nobody can flood a mailbox. Beyond the limit no mail is sent, and
    the request isn't refused: otherwise a stranger could lock the account's owner out.
    """
    try:
        begin_try(keys, now=now)
    except MustWait:
        return  # the last link is still valid
    count_failure(keys, now=now)
    ResetAsked.objects.create(email=email, asked_at=now)


def mail_resets(*, now: datetime, limit: int = 500) -> int:
    """Mail the links that were asked for; return for how many addresses that somebody typed."""
    count = 0
    while count < limit and _mail_next_reset(now=now):
        count += 1
    return count


@transaction.atomic
def _mail_next_reset(*, now: datetime) -> bool:
    asked = ResetAsked.objects.select_for_update(skip_locked=True).first()
    if asked is None:
        return False
    try:
        with transaction.atomic():
            for user in users_at(asked.email, now=now):
                audit.record(
                    by=None, verb="password reset asked", obj=user, now=now, detail={"user": str(user.pk)}
                )
                mail_about_sign_in(user, _link_for(user), now=now)
    except Exception:  # the others are mailed
        logger.exception("a link for a password could not be mailed")
    asked.delete()
    return True


@transaction.atomic
def reset_password(*, link: str, password: str, is_by_factor: bool = False, now: datetime) -> User:
    """Set the password chosen by the holder of a link. Tokens end, the second factor stays, and nobody is signed in.

    `is_by_factor`: the second factor was checked too, which is required after a change of address. Raises
    PermissionDenied for an invalid link, ValidationError for an unsuitable password.
    """
    user = user_of_reset(link)
    if user is None:
        raise PermissionDenied
    user = locked_user(user)
    if user_of_reset(link) is None:  # it was used a moment ago
        raise PermissionDenied
    if needs_factor_to_reset(user, now=now) and not is_by_factor:
        raise PermissionDenied
    with acting_as(user):  # nobody is signed in
        set_password(user, password)
        end_tokens_of(user, now=now)
        user.password_mailed_at = now
        user.save(update_fields=["password_mailed_at"])
        audit.record(by=user, verb="password reset", obj=user, now=now)
    mail_about_sign_in(user, _changed, now=now)
    return user


def _changed() -> tuple[str, str]:
    return _("Your password for Sahayatra has changed"), _(
        "The password of your account was changed. If this was not you, tell your organisation's administrator at once."
    )


def _link_for(user: User) -> Callable[[], tuple[str, str]]:
    def words() -> tuple[str, str]:
        path = reverse("accounts:password-reset", args=[reset_link(user)])
        before = _("Open this address within an hour to choose another password:")
        after = _("If you did not ask for this, delete this mail: nothing has changed.")
        return _("Another password for Sahayatra"), f"{before}\n\n{settings.SITE_URL}{path}\n\n{after}"

    return words
