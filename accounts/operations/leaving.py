"""When a user's access ends, their open work is handed over to another user in the same transaction."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.authority import authority_of
from accounts.hooks import user_leaving
from accounts.models import Handover, Organisation, User
from accounts.operations.notice import leave_notices, notify_users
from accounts.queries import (
    UserWork,
    access_managers_of,
    holders,
    open_work_of,
    organisations_managed_by,
    supervisors_or_iom,
)
from core import audit

Receivers = Mapping[str, User | None]  # by `UserWork.name`; None: the supervisors assign it


class OpenWorkLeft(ValidationError):
    """Access would end, and it isn't said who takes over the user's open work."""


@contextmanager
def leaving(
    users: Iterable[User], *, to: Receivers | None = None, by: User | None, now: datetime
) -> Iterator[None]:
    """Run a change of access as a block, then hand over the open work that the users may no longer do.

    `to` says who takes it over. Raises OpenWorkLeft if it doesn't name somebody for all of it. `by=None` is the system
    itself (loading, seeding), which hands nothing over: a regular task finds cases that nobody works on.
    """
    if by is None:
        yield
        return
    before = [(user, _permissions(user), organisations_managed_by(user)) for user in users]
    yield
    lost: list[tuple[User, UserWork]] = []
    for user, permissions, managed in before:
        for organisation in managed - organisations_managed_by(user):
            _notify_managers(user, organisation, now=now)
        after = _permissions(user)
        for permission, organisations in permissions.items():
            gone = organisations - after.get(permission, frozenset())
            lost += [(user, work) for work in open_work_of(user, gone, permission)]
    missing = [(user, work) for user, work in lost if work.name not in (to or {})]
    if missing:
        raise OpenWorkLeft({work.name: _refusal(user, work) for user, work in missing})
    for user, work in lost:
        _hand_over(user, work, (to or {})[work.name], by=by, now=now)


def _notify_managers(user: User, organisation: UUID, *, now: datetime) -> None:
    """Notify everybody who decides on access in the organisation, and who does so no more."""
    notify_users(
        recipients=access_managers_of([organisation]),
        key=f"ended:{organisation}:{user.pk}:{now.timestamp():.0f}",
        text=gettext_noop(
            "Somebody who approved access in your organisation no longer does. If this isn’t right, tell IOM’s "
            "protection supervisors at once."
        ),
        url=reverse("accounts:user-list"),
        now=now,
    )


def _permissions(user: User) -> dict[str, frozenset[UUID]]:
    """Return the user's organisations by permission, read from the database now; empty for a user being added."""
    found = User.objects.filter(pk=user.pk).first()
    return authority_of(found).by_permission if found else {}


def _refusal(user: User, work: UserWork) -> str:
    return _("%(user)s still has work here (%(what)s: %(count)s). Choose who takes it over.") % {
        "user": user.name,
        "what": work.label,
        "count": work.count,
    }


def _hand_over(user: User, work: UserWork, to: User | None, *, by: User, now: datetime) -> None:
    """Hand work over and record it; to nobody (`to=None`): notify the supervisors, who assign it."""
    kind, organisation = user_leaving[work.code], work.organisation
    if to is not None:
        if not holders(kind.permission, organisation.pk).filter(pk=to.pk).exists():
            raise ValidationError({work.name: _("%s can't take this over.") % to.name})
        kind.hand_over(user=user, organisation_id=organisation.pk, to=to, by=by, now=now)
    Handover.objects.create(user=user, organisation=organisation, work=work.code, receiver=to, by=by, at=now)
    audit.record(
        by=by,
        verb="work handed over",
        obj=user,
        now=now,
        detail={
            "organisation": organisation.code,
            "of": work.code,
            "count": work.count,
            "user": str(to.pk) if to else str(user.pk),
        },
    )
    if to is None:
        _notify_supervisors(user, work, now=now)


def _notify_supervisors(user: User, work: UserWork, *, now: datetime) -> None:
    organisation: Organisation = work.organisation
    leave_notices(
        recipients=supervisors_or_iom(organisation.pk),
        key=f"left:{work.name}:{user.pk}:{now.timestamp():.0f}",
        text=gettext_noop("%(name)s left %(organisation)s. Work to be assigned: %(count)s."),
        words={"name": user.name, "organisation": organisation.name_en, "count": work.count},
        url="/caseload/",
        now=now,
    )
