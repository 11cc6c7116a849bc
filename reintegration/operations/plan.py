"""Agree and correct reintegration plans."""

from collections.abc import Collection
from datetime import date, datetime
from functools import partial

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from beneficiaries.models import Case, Enrolment
from beneficiaries.operations.correction import apply_correction, corrected_columns, current_row, keep_former
from beneficiaries.rules import BEFORE_ADMISSION
from core import audit, days
from reintegration.models import Grant, Plan, PlanChange
from reintegration.rules import ENDED_UNPAID


@transaction.atomic
def agree_plan(
    *, enrolment: Enrolment, livelihood: str, goal: str, steps: str, agreed_on: date, by, now: datetime
) -> Plan:
    """Save the plan that was agreed with a beneficiary; one plan for each enrolment."""
    enrolment = Enrolment.objects.editable_by(by).select_for_update().filter(pk=enrolment.pk).first()
    if enrolment is None:
        raise PermissionDenied
    if Plan.objects.visible_to(by).filter(enrolment=enrolment).exists():
        raise ValidationError(_("There is already a plan for this programme."))
    follows = [(enrolment.enrolled_on, BEFORE_ADMISSION)]
    problem = days.record_problem(agreed_on, today=now.date(), follows=follows)
    if problem:
        raise ValidationError({"agreed_on": problem})
    plan = Plan(
        case_id=enrolment.case_id,
        enrolment=enrolment,
        livelihood=livelihood,
        goal=goal,
        steps=steps,
        agreed_on=agreed_on,
        by=by,
        at=now,
    )
    plan.clean_fields(exclude=["case"])
    plan.save(force_insert=True)
    audit.record(by=by, verb="plan agreed", obj=plan, case_id=plan.case_id, now=now)
    return plan


@transaction.atomic
def correct_plan(
    *,
    plan: Plan,
    livelihood: str,
    goal: str,
    steps: str,
    version: int,
    reason: str,
    keep: Collection[str] = (),
    by,
    now: datetime,
) -> Plan:
    """Save what was recorded wrongly in a plan, and each former value as a `PlanChange`.

    A livelihood for which a grant runs or was paid stays: ValidationError. `version` and `keep` as in
    `correct_beneficiary`.
    """
    plans = Plan.objects.editable_by(by).select_for_update(of=("self",))
    row = current_row(plans.filter(pk=plan.pk, case__beneficiary__erased_on=None), version)
    values = {"livelihood": livelihood, "goal": goal, "steps": steps}
    changed = apply_correction(row, values, keep=keep, reason=reason)
    columns = corrected_columns(changed)
    grants = Grant.objects.visible_to(by).filter(plan=row).exclude(state__in=ENDED_UNPAID)
    if "livelihood" in columns and grants.exists():
        raise ValidationError({"livelihood": _("A grant was requested for this livelihood, so it stays.")})
    row.clean_fields(exclude=["case", "enrolment", "by"])
    row.save(update_fields=[*columns, "version"])
    audit.update_and_record(Case.objects.editable_by(by).filter(pk=row.case_id), changed_on=now.date())
    change = partial(PlanChange, case_id=row.case_id, plan=row)
    keep_former(row, changed, change, verb="plan corrected", reason=reason, by=by, now=now)
    return row
