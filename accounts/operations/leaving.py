"""Somebody leaves: what they carry goes to somebody else, in the same transaction as their access ends."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.hooks import user_leaving
from accounts.models import Handover, Organisation, User
from accounts.operations.notice import leave_notices
from accounts.queries import UserWork, authority_of, holders, open_work_of, supervisors_or_iom
from core import audit

Receivers = Mapping[str, User | None]  # by `UserWork.name`; None: the supervisors assign it


class OpenWorkLeft(ValidationError):
    """Access would end, and nobody has said who takes over what the user carries."""


@contextmanager
def leaving(
    users: Iterable[User], *, to: Receivers | None = None, by: User | None, now: datetime
) -> Iterator[None]:
    """Run a change of access; what a user may no longer do because of it goes to somebody else, or it is refused.

    `by=None` is the machine itself (loading, seeding), which is asked nothing: the daily look finds what nobody
    works on.
    """
    if by is None:
        yield
        return
    before = [(user, _held(user)) for user in users]
    yield
    lost: list[tuple[User, UserWork]] = []
    for user, held in before:
        after = _held(user)
        for permission, organisations in held.items():
            gone = organisations - after.get(permission, frozenset())
            lost += [(user, carried) for carried in open_work_of(user, gone, permission)]
    missing = [(user, carried) for user, carried in lost if carried.name not in (to or {})]
    if missing:
        raise OpenWorkLeft({carried.name: _refusal(user, carried) for user, carried in missing})
    for user, carried in lost:
        _hand_over(user, carried, (to or {})[carried.name], by=by, now=now)


def _held(user: User) -> dict[str, frozenset[UUID]]:
    """What the user may do where, as it stands in the database at this moment; nothing for one who is being added."""
    found = User.objects.filter(pk=user.pk).first()
    return authority_of(found).by_permission if found else {}


def _refusal(user: User, carried: UserWork) -> str:
    return _("%(user)s still has work here (%(what)s: %(count)s). Choose who takes it over.") % {
        "user": user.name,
        "what": carried.label,
        "count": carried.count,
    }


def _hand_over(user: User, carried: UserWork, to: User | None, *, by: User, now: datetime) -> None:
    work, organisation = user_leaving[carried.code], carried.organisation
    if to is not None:
        if not holders(work.permission, organisation.pk).filter(pk=to.pk).exists():
            raise ValidationError({carried.name: _("%s can't take this over.") % to.name})
        work.hand_over(user=user, organisation_id=organisation.pk, to=to, by=by, now=now)
    Handover.objects.create(
        user=user, organisation=organisation, work=carried.code, receiver=to, by=by, at=now
    )
    audit.record(
        by=by,
        verb="work handed over",
        obj=user,
        now=now,
        detail={
            "organisation": organisation.code,
            "of": carried.code,
            "count": carried.count,
            "user": str(to.pk) if to else str(user.pk),
        },
    )
    if to is None:
        _ask_supervisors(user, carried, now=now)


def _ask_supervisors(user: User, carried: UserWork, *, now: datetime) -> None:
    organisation: Organisation = carried.organisation
    leave_notices(
        recipients=supervisors_or_iom(organisation.pk),
        key=f"left:{carried.name}:{user.pk}:{now.timestamp():.0f}",
        text=gettext_noop("%(name)s left %(organisation)s. Work to be assigned: %(count)s."),
        words={"name": user.name, "organisation": organisation.name_en, "count": carried.count},
        url="/caseload/",
        now=now,
    )
