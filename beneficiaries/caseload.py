"""Reads of who carries which open cases, and of those that nobody works on."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts.choices import Permission
from accounts.models import Organisation, User
from accounts.queries import authority_of, live_with
from beneficiaries.choices import CaseStatus, Risk
from beneficiaries.models import Case, CaseAccess
from core.scoping import Level


def assigns_in(user) -> frozenset[UUID]:
    """Where the user says who works on cases: as a supervisor, and where there is none, as one who writes cases."""
    mine = authority_of(user).where(Permission.WRITE_CASES)
    there = live_with(Permission.ASSIGN_CASES).filter(role__organisation__in=mine)
    supervised = frozenset(there.values_list("role__organisation", flat=True))
    return (mine & authority_of(user).where(Permission.ASSIGN_CASES)) | (mine - supervised)


def may_reassign(case: Case, caseworker_id: UUID, user) -> bool:
    """Whether the user gives this case to another caseworker: where they say who works on cases, or it is theirs."""
    return caseworker_id == user.pk or case.lead_organisation_id in assigns_in(user)


def open_cases(user):
    """Access rows of the open cases whose caseworker this user may change; `works`: whether the caseworker is there."""
    there = live_with(Permission.WRITE_CASES).filter(
        user=OuterRef("caseworker"), role__organisation=OuterRef("lead_organisation")
    )
    rows = CaseAccess.objects.opening(user, Level.LEAD).filter(lead_organisation__in=assigns_in(user))
    return rows.exclude(status=CaseStatus.CLOSED).annotate(works=Exists(there))


def cases_without_caseworker(user):
    """Open cases whose caseworker may no longer write where the case is led."""
    return open_cases(user).filter(works=False)


class Load(NamedTuple):
    """How much one caseworker carries; `works` is false for who may no longer write there."""

    user: User
    cases: int
    high_risk: int
    works: bool


def caseload(user) -> list[Load]:
    """Everybody who writes cases in the user's organisations or is named on an open one, the fullest first."""
    counted = (
        open_cases(user)
        .values("caseworker", "works")
        .annotate(
            cases=Count("case_id", distinct=True),
            high_risk=Count("case_id", distinct=True, filter=Q(risk=Risk.HIGH)),
        )
    )
    found = {(row["caseworker"], row["works"]): row for row in counted.order_by("caseworker", "works")}
    free = [member.pk for member in possible_caseworkers(assigns_in(user))]
    for key in free:
        found.setdefault((key, True), {"cases": 0, "high_risk": 0})
    users = User.objects.in_bulk({key for key, _works in found if key})
    loads = [
        Load(users[key], row["cases"], row["high_risk"], works)
        for (key, works), row in found.items()
        if key in users
    ]
    return sorted(loads, key=lambda load: (load.works, -load.cases, load.user.username))


def possible_caseworkers(organisation_ids: Iterable[UUID]) -> QuerySet[User]:
    """Who writes cases in one of these organisations."""
    there = live_with(Permission.WRITE_CASES).filter(role__organisation__in=organisation_ids)
    found = User.objects.filter(memberships__in=there).distinct()
    return found.order_by("first_name", "last_name", "username")


class Carried(NamedTuple):
    cases: int
    referrals: int


def carried(user: User, organisation_id: UUID) -> Carried:
    """Open cases of somebody in an organisation, and their referrals and offers that run, for who keeps its users."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT cases, referrals FROM access.open_cases_of(%s, %s)", [user.pk, organisation_id]
        )
        return Carried(*(count or 0 for count in cursor.fetchone()))


def carried_drafts(user: User, organisation_id: UUID) -> int:
    """Unfinished interviews of somebody in an organisation, for those who may give them to another user."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM access.drafts_to_reassign() WHERE author_id = %s AND organisation_id = %s",
            [user.pk, organisation_id],
        )
        return cursor.fetchone()[0]


class OpenWork(NamedTuple):
    active: int = 0
    in_follow_up: int = 0
    drafts: int = 0
    referrals: int = 0
    offers: int = 0


def open_work_of(organisation: Organisation) -> OpenWork:
    """What hangs on an organisation, for who sets up the system."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM access.open_work_of(%s)", [organisation.pk])
        row = cursor.fetchone()
    return OpenWork(*row) if row else OpenWork()
