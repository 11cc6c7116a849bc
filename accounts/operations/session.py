"""Sessions: beginning and ending them, with audit events."""

from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import ApiToken, Session, User
from accounts.operations.mail import mail_about_sign_in
from accounts.queries import factors_of
from accounts.session_store import LOCK
from core import audit
from core.context import acting_as


def _end(user: User, which: Q | None = None) -> int:
    """End sessions of a user and return how many.

    Requests of these sessions that change something are waited for, so their new keys are found; later ones wait.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCK, str(user.pk)])
    return Session.objects.visible_to(user).filter(which or Q()).delete()[0]


@transaction.atomic
def end_session(*, session_id: UUID, by, now: datetime) -> bool:
    """End one of the user's own sessions; False if it isn't theirs or has ended, which is not distinguished."""
    ended = _end(by, Q(pk=session_id.hex))
    if ended:
        audit.record(by=by, verb="sessions ended", obj=by, now=now, detail={"count": ended})
    return bool(ended)


@transaction.atomic
def end_other_sessions(*, current: str, by, now: datetime) -> int:
    """End all of the user's own sessions except the one with this `session_key`; returns how many."""
    ended = _end(by, ~Q(pk=current))
    audit.record(by=by, verb="sessions ended", obj=by, now=now, detail={"count": ended})
    return ended


def end_sessions_of(user: User) -> None:
    """End all sessions of a user, as part of an action that has its own audit event."""
    _end(user)


def end_tokens_of(user: User, *, now: datetime) -> int:
    """Revoke all tokens of a user, as part of an action that has its own audit event; returns how many."""
    return audit.update_and_record(ApiToken.objects.visible_to(user).filter(revoked_at=None), revoked_at=now)


def note_new_address(user: User, former: str, *, sender: User | None, now: datetime) -> None:
    """Set when the address changed, end sessions and tokens, and mail the former address.

    Mailed links end too, as they contain the address. `sender`: as whom the mail is queued if the account is closed.
    """
    user.email_changed_at = now
    end_sessions_of(user)
    end_tokens_of(user, now=now)

    def words() -> tuple[str, str]:
        return _("Your sign-in to Sahayatra"), _(
            "Mails of your account go to another address from now on. If this was not you, tell your focal point "
            "at once."
        )

    if user.is_active or sender is not None:
        mail_about_sign_in(user, words, now=now, to=former, sender=sender)


def end_credentials(user: User, *, by, now: datetime) -> None:
    """End password and second factors: whoever reads the mail of the former address may have chosen them."""
    user.set_unusable_password()
    removed, _rows = factors_of(user).delete()
    if removed:
        audit.record(by=by, verb="second factor reset", obj=user, now=now, detail={"count": removed})


@transaction.atomic
def note_sign_in(*, user: User, method: str, now: datetime) -> None:
    """Record that a user signed in, and delete their ended sessions."""
    own = Session.objects.visible_to(user)
    own.exclude(pk__in=own.alive(now).values("pk")).delete()
    with acting_as(user):  # nobody was signed in when the request began
        audit.record(by=user, verb="signed in", obj=user, now=now, detail={"method": method})


def note_sign_out(*, by, now: datetime) -> None:
    """Record that a user signed out."""
    audit.record(by=by, verb="signed out", obj=by, now=now)
