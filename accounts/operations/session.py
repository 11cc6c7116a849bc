"""Sessions: who began and ended which, and when."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import Session, User
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
    """End every session of a person, as part of a deed that is on record by itself."""
    Session.objects.visible_to(user).delete()


@transaction.atomic
def note_sign_in(*, user: User, method: str, now: datetime) -> None:
    """Put on record that a person signed in, and forget what is left of their ended sessions."""
    own = Session.objects.visible_to(user)
    own.exclude(pk__in=own.alive(now).values("pk")).delete()
    with acting_as(user):  # the page was asked for by nobody
        audit.record(by=user, verb="signed in", obj=user, now=now, detail={"method": method})


def note_sign_out(*, by, now: datetime) -> None:
    audit.record(by=by, verb="signed out", obj=by, now=now)
