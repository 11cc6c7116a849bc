"""Which caseworker has which open cases, and which open cases have none."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts.authority import authority_of
from accounts.choices import Permission
from accounts.models import Organisation, User
from accounts.queries import live_memberships_with
from beneficiaries.choices import CaseStatus, Level, Risk
from beneficiaries.models import Case, CaseAccess


def assigns_in(user) -> frozenset[UUID]:
    """Return the organisations where the user assigns caseworkers: as supervisor, or as writer where there is none."""
    writes_in = authority_of(user).where(Permission.WRITE_CASES)
    supervisors = live_memberships_with(Permission.ASSIGN_CASES).filter(role__organisation__in=writes_in)
    supervised = frozenset(supervisors.values_list("role__organisation", flat=True))
    return (writes_in & authority_of(user).where(Permission.ASSIGN_CASES)) | (writes_in - supervised)


def may_reassign(case: Case, caseworker_id: UUID, user) -> bool:
    """Return whether the user may change the caseworker: it is themselves, or they assign caseworkers there."""
    return caseworker_id == user.pk or case.lead_organisation_id in assigns_in(user)


def open_cases(user):
    """Return the access rows of open cases whose caseworker this user may change.

    `works` is annotated: whether the caseworker may still write cases in the lead organisation.
    """
    memberships = live_memberships_with(Permission.WRITE_CASES).filter(
        user=OuterRef("caseworker"), role__organisation=OuterRef("lead_organisation")
    )
    rows = CaseAccess.objects.opening(user, Level.LEAD).filter(lead_organisation__in=assigns_in(user))
    return rows.exclude(status=CaseStatus.CLOSED).annotate(works=Exists(memberships))


def cases_without_caseworker(user):
    """Return the rows of `open_cases` whose caseworker may no longer write cases in the lead organisation."""
    return open_cases(user).filter(works=False)


class Load(NamedTuple):
    """The open cases of one caseworker. `works`: whether they may still write cases there."""

    user: User
    cases: int
    high_risk: int
    works: bool


def caseload(user) -> list[Load]:
    """Return the load of all who write cases in the user's organisations or have open ones there, highest first."""
    counted = (
        open_cases(user)
        .values("caseworker", "works")
        .annotate(
            cases=Count("case_id", distinct=True),
            high_risk=Count("case_id", distinct=True, filter=Q(risk=Risk.HIGH)),
        )
    )
    found = {(row["caseworker"], row["works"]): row for row in counted.order_by("caseworker", "works")}
    for caseworker in possible_caseworkers(assigns_in(user)):
        found.setdefault((caseworker.pk, True), {"cases": 0, "high_risk": 0})
    users = User.objects.in_bulk({pk for pk, _works in found if pk})
    loads = [
        Load(users[pk], row["cases"], row["high_risk"], works)
        for (pk, works), row in found.items()
        if pk in users
    ]
    return sorted(loads, key=lambda load: (load.works, -load.cases, load.user.username))


def possible_caseworkers(organisation_ids: Iterable[UUID]) -> QuerySet[User]:
    """Return the users who write cases in one of these organisations."""
    memberships = live_memberships_with(Permission.WRITE_CASES).filter(
        role__organisation__in=organisation_ids
    )
    users = User.objects.filter(memberships__in=memberships).distinct()
    return users.order_by("first_name", "last_name", "username")


class OpenCases(NamedTuple):
    """How many open cases, and how many running referrals and offers, a user has in an organisation."""

    cases: int
    referrals: int


def open_cases_of(user: User, organisation_id: UUID) -> OpenCases:
    """Count a user's open cases, referrals and offers in an organisation; zeros unless one manages its users."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT cases, referrals FROM access.open_cases_of(%s, %s)", [user.pk, organisation_id]
        )
        return OpenCases(*(count or 0 for count in cursor.fetchone()))


def open_drafts_of(user: User, organisation_id: UUID) -> int:
    """Count a user's unfinished interviews in an organisation, as far as one may give them to another user."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM access.drafts_to_reassign() WHERE author_id = %s AND organisation_id = %s",
            [user.pk, organisation_id],
        )
        return cursor.fetchone()[0]


class OpenWork(NamedTuple):
    """Counts of what an organisation still has to do."""

    active: int = 0
    in_follow_up: int = 0
    drafts: int = 0
    referrals: int = 0
    offers: int = 0


def open_work_of(organisation: Organisation) -> OpenWork:
    """Count the open work of an organisation; zeros unless one manages its users."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM access.open_work_of(%s)", [organisation.pk])
        row = cursor.fetchone()
    return OpenWork(*row) if row else OpenWork()
