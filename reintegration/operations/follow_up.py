"""Visits, calls and reviews: scheduled by a programme's intervals, recorded by the caseworker."""

from datetime import date, datetime
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from beneficiaries.choices import CaseStatus, Risk, RiskSource
from beneficiaries.models import Case, CaseFile
from beneficiaries.operations import CaseNotClosable, assess_risk
from core import audit, days
from projects.models import FollowUpInterval, Project
from reintegration import queries, rules
from reintegration.choices import SAFETY, FollowUpOutcome, GrantState, Wellbeing
from reintegration.models import FollowUp, Grant, Reminder


@transaction.atomic
def schedule_follow_ups(*, case_id: UUID, project: Project, starts: str, on: date, by, now: datetime) -> int:
    """Owe the person what the programme counts from this deed, each with its reminder; how many there are.

    Runs inside the deed that starts the count, whose permission it is; `origin` makes each one once.
    """
    intervals = {row.code: row for row in FollowUpInterval.objects.filter(project=project, starts=starts)}
    dates = rules.due_dates([(row.code, row.after_days) for row in intervals.values()], on)
    for code, due_on in dates:
        interval = intervals[code]
        owe(
            FollowUp(
                case_id=case_id,
                project=project,
                origin=f"{project.code}:{code}",
                label_en=interval.label_en,
                label_ne=interval.label_ne,
                kind=interval.kind,
                due_on=due_on,
            )
        )
    if dates:
        audit.record(
            by=by,
            verb="follow-ups scheduled",
            case_id=case_id,
            now=now,
            detail={"project": project.code, "from": starts, "count": len(dates)},
        )
    return len(dates)


def owe(follow_up: FollowUp) -> None:
    """Save a new follow-up with its reminder; a part of the operation that calls it."""
    follow_up.save(force_insert=True)
    Reminder(case_id=follow_up.case_id, follow_up=follow_up, due_on=follow_up.due_on).save(force_insert=True)


@transaction.atomic
def record_follow_up(
    *, follow_up: FollowUp, done_on: date, outcome: str, wellbeing: str, note: str, by, now: datetime
) -> FollowUp:
    """Write down what came of a follow-up, once."""
    found = (
        FollowUp.objects.editable_by(by)
        .select_related("case")
        .select_for_update(of=("self",))
        .filter(pk=follow_up.pk)
        .first()
    )
    if found is None:
        raise PermissionDenied
    if found.done_on is not None:
        raise ValidationError(_("This follow-up is recorded already."))
    if found.case.status == CaseStatus.CLOSED:
        raise ValidationError(_("The case is closed: nothing is due any more."))
    follows = queries.what_a_follow_up_follows(found, by)
    problem = days.record_problem(done_on, today=now.date(), follows=follows)
    if problem:
        raise ValidationError({"done_on": problem})
    if outcome == FollowUpOutcome.SEEN and not wellbeing:
        raise ValidationError({"wellbeing": _("Say how the person is.")})
    found.done_on, found.outcome, found.wellbeing, found.note = done_on, outcome, wellbeing, note
    found.recorded_by, found.recorded_at = by, now
    found.version += 1
    found.clean_fields(exclude=["case", "project"])
    found.save(
        update_fields=[
            "done_on",
            "outcome",
            "wellbeing",
            "note",
            "recorded_by",
            "recorded_at",
            "version",
        ]
    )
    audit.note_update(Case.objects.editable_by(by).filter(pk=found.case_id), changed_on=now.date())
    audit.record(by=by, verb="follow-up recorded", obj=found, case_id=found.case_id, now=now)
    if wellbeing == Wellbeing.DANGER:
        assess_risk(case=found.case, level=Risk.HIGH, source=RiskSource.VISIT, by=by, now=now)
    return found


def refuse_closing(*, case: Case, by, now: datetime) -> None:
    """A case with money under way, or with a high risk and its safety step to be done, doesn't close.

    The point `beneficiaries.points.case_closing`.
    """
    under_way = Grant.objects.visible_to(by).filter(
        case=case, state__in=[GrantState.REQUESTED, GrantState.ENDORSED, GrantState.APPROVED]
    )
    if under_way.exists():
        raise CaseNotClosable(
            _("A grant of this case is under way: it must be paid, refused or withdrawn first.")
        )
    owed = FollowUp.objects.visible_to(by).filter(case=case, kind=SAFETY, done_on=None)
    if owed.exists() and CaseFile.objects.visible_to(by).filter(case=case, risk=Risk.HIGH).exists():
        raise CaseNotClosable(
            _(
                "The risk level is high and a safety step is due: do it first, or lower the risk level and say why."
            )
        )
