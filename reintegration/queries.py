"""Reads of plans, grants and follow-ups that span models."""

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Exists, Min, OuterRef, Q, QuerySet, Sum

from accounts.authority import authority_of
from accounts.choices import Permission
from accounts.models import Organisation, User
from beneficiaries.choices import Level
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
from beneficiaries.queries.case import emergencies_of, file_of, notes_of
from beneficiaries.queries.consent import consents_of
from beneficiaries.queries.identity import identity_documents_of
from beneficiaries.rules import BEFORE_ADMISSION
from core.related import fill_in
from projects.choices import FollowUpStart
from projects.models import FollowUpInterval, Project
from reintegration.choices import SAFETY
from reintegration.models import FollowUp, Grant, Instalment, Plan
from reintegration.rules import BEFORE_PAYMENT

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

SOON = timedelta(days=14)


def grants_for(user) -> QuerySet[Grant]:
    """Return the grants that this user sees, newest first."""
    return (
        Grant.objects.visible_to(user)
        .select_related(
            "case", "project", "budget_line", "requested_by", "endorsed_by", "approved_by", "refused_by"
        )
        .order_by("-requested_at", "id")
    )


def worked_on(user, case_key: str = "case_id") -> Exists:
    """Return a condition on rows: the user works on their case, and so may open its file."""
    return Exists(CaseAccess.objects.opening(user, Level.WORKING).filter(case_id=OuterRef(case_key)))


def instalments_of(grant: Grant, user) -> list[Instalment]:
    """Return the instalments of a grant in order."""
    return list(
        Instalment.objects.visible_to(user).filter(grant=grant).select_related("paid_by").order_by("number")
    )


def paid_so_far(grant: Grant, user):
    """Return the NPR that were paid of a grant."""
    return (
        Instalment.objects.visible_to(user).filter(grant=grant).aggregate(total=Sum("amount_npr"))["total"]
        or 0
    )


def follow_ups_due(user, *, on: date) -> QuerySet[FollowUp]:
    """Return open follow-ups that are overdue or due within 14 days: safety steps first, then the oldest."""
    return (
        FollowUp.objects.visible_to(user)
        .open()
        .filter(due_on__lte=on + SOON)
        .select_related("case__beneficiary", "project")
        .annotate(is_safety_step=Q(kind=SAFETY))
        .order_by("-is_safety_step", "due_on", "id")
    )


def earliest_dates(follow_up: FollowUp, user) -> list[tuple[date | None, "StrOrPromise"]]:
    """Return dates before which a follow-up can't have happened, each with its message; none for a safety step."""
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


def earlier_attempts(follow_up: FollowUp, user) -> list[FollowUp]:
    """Return the failed attempts before this one, in order."""
    same = FollowUp.objects.visible_to(user).filter(case=follow_up.case_id, origin=follow_up.origin)
    earlier = same.filter(attempt__lt=follow_up.attempt).select_related("recorded_by")
    return list(earlier.order_by("attempt", "id"))


def next_attempt(follow_up: FollowUp, user) -> FollowUp | None:
    """Return the attempt that is due after this one, or None."""
    same = FollowUp.objects.visible_to(user).filter(case=follow_up.case_id, origin=follow_up.origin)
    return same.filter(attempt=follow_up.attempt + 1).first()


def case_parts(case: Case, user) -> dict[str, list]:
    """Return all parts of a case that its file shows, with the users, projects and organisations that they name.

    Parts of a part that is empty aren't queried.
    """
    enrolments = Enrolment.objects.of(case, user)
    plans = Plan.objects.of(case, user) if enrolments else []
    grants = Grant.objects.of(case, user) if plans else []
    parts: dict[str, list] = {
        "file": [file_of(case, user)],
        "risks": RiskAssessment.objects.of(case, user),
        "notes": notes_of(case, user),
        "documents": Document.objects.of(case, user),
        "identity_documents": identity_documents_of(case, user),
        "consents": consents_of(case, user),
        "emergencies": emergencies_of(case, user),
        "transfers": CaseTransfer.objects.of(case, user),
        "assignments": Assignment.objects.of(case, user),
        "enrolments": enrolments,
        "assessments": Assessment.objects.of(case, user, without=("facts", "result")),
        "plans": plans,
        "grants": grants,
        "instalments": Instalment.objects.of(case, user, order=("paid_at", "id")) if grants else [],
        "follow_ups": FollowUp.objects.of(case, user),
    }
    fill_in(User, *((parts[part], name) for part, names in _USER_FIELDS.items() for name in names))
    fill_in(Project, (enrolments, "project"), (parts["assessments"], "project"))
    sides = ((parts["transfers"], name) for name in ("sender", "receiver"))
    fill_in(Organisation, (parts["consents"], "organisation"), *sides)
    by_id = {enrolment.pk: enrolment for enrolment in enrolments}
    for plan in plans:
        plan.enrolment = by_id[plan.enrolment_id]
    return parts


# Fields that name users, by part of the case file.
_USER_FIELDS = {
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


class ProgrammeTotals(NamedTuple):
    """The columns of `access.programme_totals`: counts of cases and grants, and the amount paid."""

    cases: int
    completed: int
    grants_paid: int
    paid_npr: Decimal


def programme_totals(project: Project, user) -> ProgrammeTotals | None:
    """Return a programme's totals over all organisations; None for a user who may not see its aggregates."""
    authority = authority_of(user)
    sees_all = authority.may(Permission.READ_SUMMARIES, project.managed_by_id)
    if not sees_all and project.pk not in authority.projects_with(Permission.READ_SUMMARIES):
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM access.programme_totals(%s)", [project.pk])
        return ProgrammeTotals(*cursor.fetchone())


def left_for_grants(project: Project) -> dict[UUID, Decimal]:
    """Return what is neither spent nor promised, in NPR, by id of each budget line that pays grants."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT line, left_npr FROM access.left_for_grants(%s)", [project.pk])
        return dict(cursor.fetchall())


def grant_permissions(grant: Grant, user) -> frozenset[str]:
    """Return the user's permissions in the organisation that manages the grant's programme."""
    authority, organisation_id = authority_of(user), grant.project.managed_by_id
    return frozenset(name for name in Permission.values if authority.may(name, organisation_id))


def involved_in(grant: Grant) -> dict[str, UUID | None]:
    """Return the ids of the users who requested, endorsed and approved a grant."""
    return {
        "requested": grant.requested_by_id,
        "endorsed": grant.endorsed_by_id,
        "approved": grant.approved_by_id,
    }


def open_grants_of(user: User, organisation_id: UUID) -> int:
    """Count the running grants that a user asked for; 0 unless one manages users there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT access.open_grants_of(%s, %s)", [user.pk, organisation_id])
        return cursor.fetchone()[0]


def grants_waiting_in(organisation: Organisation) -> int:
    """Count the running grants in programmes that the organisation manages; 0 unless one manages its users."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT access.grants_waiting_in(%s)", [organisation.pk])
        return cursor.fetchone()[0]
