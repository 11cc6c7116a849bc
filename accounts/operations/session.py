"""Sessions: who began and ended which, and when."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import ApiToken, Session, User
from accounts.operations.mail import mail_about_sign_in
from core import audit
from core.context import acting_as


@transaction.atomic
def end_session(*, session_id: UUID, by, now: datetime) -> bool:
    """End one of a person's own sessions; False where it isn't theirs or has ended, which are one and the same."""
    ended, _rows = Session.objects.visible_to(by).filter(pk=session_id.hex).delete()
    if ended:
        audit.record(by=by, verb="sessions ended", obj=by, now=now, detail={"count": ended})
    return bool(ended)


@transaction.atomic
def end_other_sessions(*, kept: str, by, now: datetime) -> int:
    """End all of a person's own sessions but the one with this key of the table; how many there were."""
    ended, _rows = Session.objects.visible_to(by).exclude(pk=kept).delete()
    audit.record(by=by, verb="sessions ended", obj=by, now=now, detail={"count": ended})
    return ended


def end_sessions_of(user: User) -> None:
    """End every session of a person, as part of an action that is on record by itself."""
    Session.objects.visible_to(user).delete()


def end_tokens_of(user: User, *, now: datetime) -> int:
    """Revoke every token of a person, as part of an action that is on record by itself; how many there were."""
    return audit.update_and_record(ApiToken.objects.visible_to(user).filter(revoked_at=None), revoked_at=now)


def note_new_address(user: User, former: str, *, sender: User | None, now: datetime) -> None:
    """Sessions and tokens end, and with them each link that was mailed; a mail goes to the former address.

    `sender`: in whose place it goes, where the account is closed.
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


@transaction.atomic
def note_sign_in(*, user: User, method: str, now: datetime) -> None:
    """Put on record that a person signed in, and forget what is left of their ended sessions."""
    own = Session.objects.visible_to(user)
    own.exclude(pk__in=own.alive(now).values("pk")).delete()
    with acting_as(user):  # the page was asked for by nobody
        audit.record(by=user, verb="signed in", obj=user, now=now, detail={"method": method})


def note_sign_out(*, by, now: datetime) -> None:
    audit.record(by=by, verb="signed out", obj=by, now=now)
