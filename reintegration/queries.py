"""Reads of plans, grants and follow-ups that span models."""

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Exists, Min, OuterRef, Q, QuerySet, Sum

from accounts.choices import Permission
from accounts.models import Organisation, User
from accounts.queries import authority_of
from beneficiaries import queries as case_queries
from beneficiaries.models import (
    Assessment,
    Assignment,
    Case,
    CaseAccess,
    CaseTransfer,
    Document,
    Enrolment,
    RiskAssessment,
)
from beneficiaries.rules import BEFORE_ADMISSION
from core.related import fill_in
from core.scoping import Level
from projects.choices import FollowUpStart
from projects.models import FollowUpInterval, Project
from reintegration.choices import SAFETY
from reintegration.models import FollowUp, Grant, Instalment, Plan
from reintegration.rules import BEFORE_PAYMENT

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

SOON = timedelta(days=14)


def grants_for(user) -> QuerySet[Grant]:
    """Grants that this person sees, newest first: the case by its reference alone."""
    return (
        Grant.objects.visible_to(user)
        .select_related(
            "case", "project", "budget_line", "requested_by", "endorsed_by", "approved_by", "refused_by"
        )
        .order_by("-requested_at", "id")
    )


def worked_on(user, case_key: str = "case_id") -> Exists:
    """Whether this person works on the row's case, and so may open its file."""
    return Exists(CaseAccess.objects.opening(user, Level.WORKING).filter(case_id=OuterRef(case_key)))


def instalments_of(grant: Grant, user) -> list[Instalment]:
    """What was paid of a grant, in order."""
    return list(
        Instalment.objects.visible_to(user).filter(grant=grant).select_related("paid_by").order_by("number")
    )


def paid_so_far(grant: Grant, user):
    """NPR paid of a grant."""
    return (
        Instalment.objects.visible_to(user).filter(grant=grant).aggregate(total=Sum("amount_npr"))["total"]
        or 0
    )


def follow_ups_due(user, *, on: date) -> QuerySet[FollowUp]:
    """Open follow-ups that are overdue or due within a fortnight: safety steps first, then the oldest."""
    return (
        FollowUp.objects.visible_to(user)
        .open()
        .filter(due_on__lte=on + SOON)
        .select_related("case__beneficiary", "project")
        .annotate(is_safety_step=Q(kind=SAFETY))
        .order_by("-is_safety_step", "due_on", "id")
    )


def what_a_follow_up_follows(follow_up: FollowUp, user) -> list[tuple[date | None, "StrOrPromise"]]:
    """Days that a follow-up can't lie before, each with the sentence that says so; a safety step follows from none."""
    if follow_up.project_id is None:
        return []
    enrolled = Enrolment.objects.visible_to(user).filter(
        case_id=follow_up.case_id, project_id=follow_up.project_id
    )
    follows: list[tuple[date | None, StrOrPromise]] = [
        (day, BEFORE_ADMISSION) for day in enrolled.values_list("enrolled_on", flat=True)
    ]
    code = follow_up.origin.rpartition(":")[2]
    if FollowUpInterval.objects.filter(
        project_id=follow_up.project_id, code=code, starts=FollowUpStart.GRANT_PAID
    ).exists():
        paid = Instalment.objects.visible_to(user).filter(
            case_id=follow_up.case_id, grant__project_id=follow_up.project_id
        )
        follows.append((paid.aggregate(first=Min("paid_on"))["first"], BEFORE_PAYMENT))
    return follows


def attempts_before(follow_up: FollowUp, user) -> list[FollowUp]:
    """The attempts that failed before this one, the first one first."""
    same = FollowUp.objects.visible_to(user).filter(case=follow_up.case_id, origin=follow_up.origin)
    earlier = same.filter(attempt__lt=follow_up.attempt).select_related("recorded_by")
    return list(earlier.order_by("attempt", "id"))


def next_attempt(follow_up: FollowUp, user) -> FollowUp | None:
    """The attempt that is owed after this one."""
    same = FollowUp.objects.visible_to(user).filter(case=follow_up.case_id, origin=follow_up.origin)
    return same.filter(attempt=follow_up.attempt + 1).first()


def case_parts(case: Case, user) -> dict[str, list]:
    """All that hangs on a case and shows on its file, with the people, projects and organisations named there.

    What hangs on a row that isn't there isn't asked for.
    """
    enrolments = Enrolment.objects.of(case, user)
    plans = Plan.objects.of(case, user) if enrolments else []
    grants = Grant.objects.of(case, user) if plans else []
    parts: dict[str, list] = {
        "file": [case_queries.file_of(case, user)],
        "risks": RiskAssessment.objects.of(case, user),
        "notes": case_queries.notes_of(case, user),
        "documents": Document.objects.of(case, user),
        "consents": case_queries.consents_of(case, user),
        "emergencies": case_queries.emergencies_of(case, user),
        "transfers": CaseTransfer.objects.of(case, user),
        "assignments": Assignment.objects.of(case, user),
        "enrolments": enrolments,
        "assessments": Assessment.objects.of(case, user, without=("facts", "result")),
        "plans": plans,
        "grants": grants,
        "instalments": Instalment.objects.of(case, user, order=("paid_at", "id")) if grants else [],
        "follow_ups": FollowUp.objects.of(case, user),
    }
    fill_in(User, *((parts[part], name) for part, names in _PEOPLE.items() for name in names))
    fill_in(Project, (enrolments, "project"), (parts["assessments"], "project"))
    sides = ((parts["transfers"], name) for name in ("sender", "receiver"))
    fill_in(Organisation, (parts["consents"], "organisation"), *sides)
    by_key = {enrolment.pk: enrolment for enrolment in enrolments}
    for plan in plans:
        plan.enrolment = by_key[plan.enrolment_id]
    return parts


# Who is named on a case file, by the part that names them.
_PEOPLE = {
    "file": ("caseworker",),
    "risks": ("by",),
    "notes": ("by",),
    "documents": ("by",),
    "consents": ("recorded_by",),
    "emergencies": ("user",),
    "transfers": ("offered_by", "answered_by"),
    "assignments": ("former", "caseworker", "by"),
    "assessments": ("by",),
    "plans": ("by",),
    "grants": ("requested_by", "endorsed_by", "approved_by", "refused_by"),
    "instalments": ("paid_by",),
    "follow_ups": ("recorded_by",),
}


class ProgrammeFigures(NamedTuple):
    """What `access.programme_totals` returns, in its order: counts of case references and grants, and one amount."""

    cases: int
    completed: int
    grants_paid: int
    paid_npr: Decimal


def programme_totals(project: Project, user) -> ProgrammeFigures | None:
    """What a programme came to over all organisations, for those who see figures where it is managed, or of it."""
    authority = authority_of(user)
    of_all = authority.may(Permission.READ_SUMMARIES, project.managed_by_id)
    if not of_all and project.pk not in authority.programmes:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM access.programme_totals(%s)", [project.pk])
        return ProgrammeFigures(*cursor.fetchone())


def left_for_grants(project: Project) -> dict[UUID, Decimal]:
    """For each budget line of a programme that pays grants, the NPR that are neither spent nor promised."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT line, left_npr FROM access.left_for_grants(%s)", [project.pk])
        return dict(cursor.fetchall())


def grant_permissions(grant: Grant, user) -> frozenset[str]:
    """What the person may do with grants of the organisation that manages the programme."""
    authority, organisation_id = authority_of(user), grant.project.managed_by_id
    return frozenset(name for name in Permission.values if authority.may(name, organisation_id))


def involved_in(grant: Grant) -> dict[str, UUID | None]:
    """Who asked for a grant, endorsed it and approved it."""
    return {
        "requested": grant.requested_by_id,
        "endorsed": grant.endorsed_by_id,
        "approved": grant.approved_by_id,
    }


def open_grants_of(user: User, organisation_id: UUID) -> int:
    """Grants under way that somebody asked for, for who keeps the organisation's users."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT access.open_grants_of(%s, %s)", [user.pk, organisation_id])
        return cursor.fetchone()[0]


def grants_waiting_in(organisation: Organisation) -> int:
    """Grants under way in programmes that the organisation manages, for who sets up the system."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT access.grants_waiting_in(%s)", [organisation.pk])
        return cursor.fetchone()[0]
