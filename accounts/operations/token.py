"""API tokens: created, confirmed and revoked by their user."""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import ApiToken, User
from accounts.operations.lock import lock_own_account
from accounts.operations.notice import notify_access_managers, notify_users
from accounts.operations.session import end_tokens_of
from accounts.queries import is_enrolled, may_configure, organisations_with_role, token_digest, tokens_of
from core import audit
from core.context import acting_as

LIVE_TOKENS, TOKENS_A_DAY = 10, 5  # the most of one user
TOKEN_DAYS = 90  # the default validity


@transaction.atomic
def create_api_token(
    *, user: User, name: str, by, now: datetime, days: int = TOKEN_DAYS
) -> tuple[ApiToken, str]:
    """Create a token with which a program acts as `user`; returns it with its text, which isn't stored.

    Nobody creates one for another user: an administrator could read case files with it. `by=None` is the command line,
    whose tokens are valid only once their user has confirmed them, except in a demo. If a second factor is required,
    the user must have one, or a token would bypass it. Raises PermissionDenied or ValidationError.
    """
    if by is not None and by != user:
        raise PermissionDenied
    if by is not None:
        lock_own_account(by)  # so that parallel requests are all counted, too
    if settings.MFA_REQUIRED and not is_enrolled(user):
        raise ValidationError(_("Only a user with a second step can have a token."))
    if by is not None:  # the command line has no limit
        _check_count(user, now=now)
    text = secrets.token_urlsafe(32)
    token = ApiToken(
        user=user,
        name=name,
        digest=token_digest(text),
        created_at=now,
        expires_on=now.date() + timedelta(days=days),
        confirmed_at=now if by == user or settings.DEMO else None,
    )
    token.clean_fields(exclude=["last_used_on", "confirmed_at", "revoked_at"])
    with acting_as(user):
        token.save(force_insert=True)
        audit.record(by=by, verb="token created", obj=token, now=now, detail={"user": str(user.pk)})
    security = reverse("accounts:security")
    if by is None:
        notify_users(
            recipients=[user],
            key=f"token:{token.pk}",
            text=gettext_noop(
                "A token for programs was created in your name on the server. Confirm or revoke it."
            ),
            url=security,
            now=now,
        )
    notify_access_managers(
        organisations=organisations_with_role(user, on=now.date()),
        key=f"token:{token.pk}",
        text=gettext_noop("A token for programs was created for a user of your organisation."),
        url=reverse("accounts:user-list"),
        now=now,
    )
    return token, text


def _check_count(user: User, *, now: datetime) -> None:
    """Raise ValidationError beyond the limits."""
    if tokens_of(user, on=now.date()).count() >= LIVE_TOKENS:
        raise ValidationError(
            _("You have %d tokens, and that is the limit. Revoke one that you no longer need.") % LIVE_TOKENS
        )
    if (
        ApiToken.objects.visible_to(user).filter(created_at__gt=now - timedelta(days=1)).count()
        >= TOKENS_A_DAY
    ):
        raise ValidationError(
            _("You created %d tokens in the last 24 hours, and that is the limit. Try again tomorrow.")
            % TOKENS_A_DAY
        )


@transaction.atomic
def confirm_api_token(*, token_id: UUID, by, now: datetime) -> bool:
    """Confirm a token that was created on the server; False if it isn't the user's own or is revoked or confirmed."""
    own = ApiToken.objects.visible_to(by).filter(pk=token_id, revoked_at=None, confirmed_at=None)
    if not audit.update_and_record(own, confirmed_at=now):
        return False
    audit.record(by=by, verb="token confirmed", obj=ApiToken.objects.get(pk=token_id), now=now)
    return True


@transaction.atomic
def revoke_api_token(*, token_id: UUID, by, now: datetime) -> bool:
    """Revoke one of the user's own tokens; False if it isn't theirs or is revoked already."""
    own = ApiToken.objects.visible_to(by).filter(pk=token_id, revoked_at=None)
    if not audit.update_and_record(own, revoked_at=now):
        return False
    audit.record(by=by, verb="tokens revoked", obj=by, now=now, detail={"count": 1})
    return True


@transaction.atomic
def revoke_api_tokens(*, user: User, by, now: datetime) -> int:
    """Revoke all tokens of a user, by that user or an administrator; returns how many. Raises PermissionDenied."""
    if by is not None and by != user and not may_configure(by):
        raise PermissionDenied
    ended = end_tokens_of(user, now=now)
    audit.record(by=by, verb="tokens revoked", obj=user, now=now, detail={"count": ended})
    return ended


def note_token_use(*, token: ApiToken, now: datetime) -> None:
    """Store the day on which a token was last used: one write a day."""
    if token.last_used_on != now.date():
        token.last_used_on = now.date()
        token.save(update_fields=["last_used_on"])
