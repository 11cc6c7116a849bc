"""Agree reintegration plans."""

from datetime import date, datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from beneficiaries.models import Enrolment
from beneficiaries.rules import BEFORE_ADMISSION
from core import audit, days
from reintegration.models import Plan


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
