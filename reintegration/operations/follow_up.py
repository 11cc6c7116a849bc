"""Visits, calls and reviews: scheduled by a programme's intervals, recorded by the caseworker."""

from collections.abc import Collection
from datetime import date, datetime
from functools import partial
from uuid import UUID, uuid4

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from beneficiaries.choices import CaseStatus, Risk, RiskSource
from beneficiaries.models import Case, CaseFile
from beneficiaries.operations.case import CaseNotClosable
from beneficiaries.operations.correction import apply_correction, corrected_columns, current_row, keep_former
from beneficiaries.operations.risk import assess_risk, notify_of_risk
from core import audit, days
from projects.models import FollowUpInterval, Project
from reintegration import queries, rules
from reintegration.choices import (
    EXTRA,
    EXTRA_LABELS,
    SAFETY,
    FollowUpOutcome,
    GrantState,
    Wellbeing,
)
from reintegration.models import FollowUp, FollowUpChange, Grant, Reminder


@transaction.atomic
def schedule_follow_ups(*, case_id: UUID, project: Project, starts: str, on: date, by, now: datetime) -> int:
    """Schedule the follow-ups that the programme counts from this event, with reminders; return how many.

    The calling operation checks the permission. A second call for the same event violates a constraint on `origin`.
    """
    intervals = {row.code: row for row in FollowUpInterval.objects.filter(project=project, starts=starts)}
    dates = rules.due_dates([(row.code, row.after_days) for row in intervals.values()], on)
    for code, due_on in dates:
        interval = intervals[code]
        add_follow_up(
            FollowUp(
                case_id=case_id,
                project=project,
                origin=f"{project.code}:{code}",
                label_en=interval.label_en,
                label_ne=interval.label_ne,
                kind=interval.kind,
                counted_from=on,
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


def add_follow_up(follow_up: FollowUp) -> None:
    """Save a new follow-up with its reminder; part of the calling operation."""
    follow_up.save(force_insert=True)
    Reminder(case_id=follow_up.case_id, follow_up=follow_up, due_on=follow_up.due_on).save(force_insert=True)


@transaction.atomic
def record_follow_up(
    *,
    follow_up: FollowUp,
    done_on: date,
    outcome: str,
    wellbeing: str,
    note: str,
    counts: bool | None = None,
    by,
    now: datetime,
) -> FollowUp:
    """Record the result of a follow-up, once; return the recorded row.

    A failed attempt is followed by the next one. For an early visit `counts` says whether it is the due one;
    ValidationError asks for it. If it isn't, it is saved as an extra one, and the due one stays. Danger raises the
    risk to high.
    """
    found = _open(follow_up, by)
    _check_record(found, done_on=done_on, outcome=outcome, wellbeing=wellbeing, note=note, by=by, now=now)
    is_early = (
        found.kind != SAFETY
        and found.attempt == 1
        and rules.is_early(due_on=found.due_on, counted_from=found.counted_from, done_on=done_on)
    )
    if is_early and counts is None:
        due = date_format(found.due_on, "DATE_FORMAT")
        raise ValidationError({"counts": _("This visit is due on %s. Does it count as that visit?") % due})
    row = _extra(found, done_on) if is_early and not counts else found
    row.done_on, row.outcome, row.wellbeing, row.note = done_on, outcome, wellbeing, note
    row.recorded_by, row.recorded_at = by, now
    row.version += 0 if row._state.adding else 1
    row.clean_fields(exclude=["case", "project"])
    row.save()
    audit.update_and_record(Case.objects.editable_by(by).filter(pk=row.case_id), changed_on=now.date())
    audit.record(by=by, verb="follow-up recorded", obj=row, case_id=row.case_id, now=now)
    _handle_failed_attempt(row, by=by, now=now)
    if wellbeing == Wellbeing.DANGER:
        assess_risk(case=found.case, level=Risk.HIGH, source=RiskSource.VISIT, by=by, now=now)
    return row


@transaction.atomic
def correct_follow_up(
    *,
    follow_up: FollowUp,
    done_on: date,
    wellbeing: str,
    note: str,
    version: int,
    reason: str,
    keep: Collection[str] = (),
    by,
    now: datetime,
) -> FollowUp:
    """Save what was recorded wrongly in a follow-up, and each former value as a `FollowUpChange`.

    The result stays, because the next attempt and notices followed from it. Danger raises the risk to high, as when
    it is recorded. `version` and `keep` as in `correct_beneficiary`.
    """
    rows = FollowUp.objects.editable_by(by).select_related("case").select_for_update(of=("self",))
    recorded = rows.filter(pk=follow_up.pk, case__beneficiary__erased_on=None).exclude(done_on=None)
    row = current_row(recorded, version)
    values = {"done_on": done_on, "wellbeing": wellbeing, "note": note}
    changed = apply_correction(row, values, keep=keep, reason=reason)
    _check_record(
        row, done_on=row.done_on, outcome=row.outcome, wellbeing=row.wellbeing, note=row.note, by=by, now=now
    )
    if row.done_on > timezone.localtime(row.recorded_at).date():
        raise ValidationError({"done_on": _("The result was recorded before this day.")})
    row.clean_fields(exclude=["case", "project", "recorded_by"])
    columns = corrected_columns(changed)
    row.save(update_fields=[*columns, "version"])
    audit.update_and_record(Case.objects.editable_by(by).filter(pk=row.case_id), changed_on=now.date())
    change = partial(FollowUpChange, case_id=row.case_id, follow_up=row)
    keep_former(row, changed, change, verb="follow-up corrected", reason=reason, by=by, now=now)
    if "wellbeing" in columns and row.wellbeing == Wellbeing.DANGER:
        assess_risk(case=row.case, level=Risk.HIGH, source=RiskSource.VISIT, by=by, now=now)
    return row


def _open(follow_up: FollowUp, by) -> FollowUp:
    """Return the follow-up, locked. Raises PermissionDenied or ValidationError where it can't be recorded."""
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
        raise ValidationError(_("This follow-up is already saved."))
    if found.case.status == CaseStatus.CLOSED:
        raise ValidationError(_("The case is closed: nothing more is due."))
    return found


def _check_record(
    found: FollowUp, *, done_on: date, outcome: str, wellbeing: str, note: str, by, now: datetime
) -> None:
    follows = queries.earliest_dates(found, by)
    problem = days.record_problem(done_on, today=now.date(), follows=follows)
    if problem:
        raise ValidationError({"done_on": problem})
    if outcome != FollowUpOutcome.SEEN:
        return
    if not wellbeing:
        raise ValidationError({"wellbeing": _("Say how the person is.")})
    if found.kind == SAFETY and not note.strip():
        raise ValidationError({"note": _("Say what was done so that the person is safe.")})


def _extra(due: FollowUp, done_on: date) -> FollowUp:
    """Return a new follow-up for a visit or call beside the due one."""
    return FollowUp(
        case=due.case,
        project_id=due.project_id,
        origin=f"{EXTRA}:{uuid4()}",
        kind=due.kind,
        due_on=done_on,
        **EXTRA_LABELS,
    )


def _handle_failed_attempt(row: FollowUp, *, by, now: datetime) -> None:
    """After a failed attempt add the next one and notify supervisors, as the rules say."""
    file = CaseFile.objects.visible_to(by).get(case_id=row.case_id)
    is_high_risk = file.risk == Risk.HIGH or row.wellbeing == Wellbeing.DANGER
    former = FollowUp.objects.visible_to(by).filter(case_id=row.case_id, origin=row.origin)
    next_on = rules.next_attempt_on(
        outcome=row.outcome,
        is_high_risk=is_high_risk,
        declined_before=former.exclude(pk=row.pk).filter(outcome=FollowUpOutcome.DECLINED).exists(),
        due_on=row.due_on,
        today=now.date(),
    )
    if next_on and not row.origin.startswith(EXTRA):
        same = {
            name: getattr(row, name)
            for name in ("case_id", "project_id", "origin", "kind", "label_en", "label_ne")
        }
        add_follow_up(FollowUp(**same, attempt=row.attempt + 1, due_on=next_on))
    if rules.notifies_supervisors(outcome=row.outcome, is_high_risk=is_high_risk, attempt=row.attempt):
        notify_of_risk(
            case=row.case,
            key=f"attempt:{row.pk}",
            text=NOT_REACHED_AT_HIGH_RISK if is_high_risk else NOT_REACHED,
            is_high=is_high_risk,
            by=by,
            now=now,
        )


NOT_REACHED_AT_HIGH_RISK = gettext_noop(
    "Case %s, risk level high: an attempt to contact the person failed today."
)
NOT_REACHED = gettext_noop("Case %s: the person could not be found three times or more. Decide what to do.")


def refuse_closing(*, case: Case, by, now: datetime) -> None:
    """Raise CaseNotClosable for a running grant, or a high risk with an open safety step.

    Called through the hook `beneficiaries.hooks.case_closing`.
    """
    running = Grant.objects.visible_to(by).filter(
        case=case, state__in=[GrantState.REQUESTED, GrantState.ENDORSED, GrantState.APPROVED]
    )
    if running.exists():
        raise CaseNotClosable(_("This case has an open grant: it must be paid, refused or withdrawn first."))
    owed = FollowUp.objects.visible_to(by).filter(case=case, kind=SAFETY, done_on=None)
    if owed.exists() and CaseFile.objects.visible_to(by).filter(case=case, risk=Risk.HIGH).exists():
        raise CaseNotClosable(
            _(
                "The risk level is high and a safety step is due: do it first, or lower the risk level and say why."
            )
        )
