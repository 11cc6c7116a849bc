"""Record answers to screening questions, and decide on admission to a programme."""

from datetime import date, datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.authority import authority_of
from accounts.choices import Permission
from beneficiaries import rules
from beneficiaries.choices import AssessmentDecision, AssessmentOutcome
from beneficiaries.models import Assessment, Case, Enrolment, Screening
from beneficiaries.queries.fact import facts_as_json, facts_of
from core import audit, days
from projects.facts import FACTS
from projects.models import Project
from projects.queries import current_criteria
from projects.rules import assess


@transaction.atomic
def record_screening(*, case: Case, answers: dict[str, bool | None], by, now: datetime) -> Screening:
    """Save the answers by name of the fact: true, false, or None for not known.

    Raises ValidationError for a name that no programme asks.
    """
    if not Case.objects.editable_by(by).filter(pk=case.pk).exists():
        raise PermissionDenied
    unknown = [name for name in answers if name not in FACTS or not FACTS[name].asked]
    if unknown:
        raise ValidationError(_("Not a question of any programme: %s") % ", ".join(unknown))
    screening = Screening(case=case, answers=answers, answered_on=now.date(), by=by, at=now)
    screening.save(force_insert=True)
    audit.record(by=by, verb="screening recorded", obj=screening, case_id=case.pk, now=now)
    return screening


@transaction.atomic
def decide_admission(
    *, case: Case, project: Project, decision: str, enrolled_on: date, reason: str = "", by, now: datetime
) -> Assessment:
    """Assess the case again, save facts, result and decision, and enrol where the decision is to admit.

    To admit although the criteria aren't met takes a reason and the permission to override; it is shown for ever.
    """
    case = Case.objects.editable_by(by).select_for_update().filter(pk=case.pk).first()
    if case is None:
        raise PermissionDenied
    criteria = current_criteria(project)
    facts = facts_of(case, by=by, on=enrolled_on)
    result = assess(facts, criteria.tree, enrolled_on)
    assessment = Assessment(
        case=case,
        project=project,
        criteria=criteria,
        assessed_on=now.date(),
        facts=facts_as_json(facts),
        result=result.to_json(),
        outcome=result.answer.value,
        decision=decision,
        reason=reason.strip(),
        by=by,
        at=now,
    )
    if decision == AssessmentDecision.ADMITTED:
        _check_admission(assessment, enrolled_on, now.date())
    elif not assessment.reason:
        raise ValidationError({"reason": _("Say why the person is not admitted.")})
    assessment.save(force_insert=True)
    if decision == AssessmentDecision.ADMITTED:
        Enrolment(
            case=case,
            project=project,
            assessment=assessment,
            enrolled_on=enrolled_on,
            entered_on=now.date(),
            is_override=assessment.is_override,
            by=by,
            at=now,
        ).save(force_insert=True)
    audit.record(
        by=by,
        verb="admission decided",
        obj=assessment,
        case_id=case.pk,
        now=now,
        detail={"project": project.code, "decision": decision, "outcome": assessment.outcome},
    )
    return assessment


def _check_admission(assessment: Assessment, enrolled_on: date, today: date) -> None:
    project, case = assessment.project, assessment.case
    follows = [(case.beneficiary.birth_on, rules.BEFORE_BIRTH)]
    problem = days.record_problem(enrolled_on, today=today, follows=follows)
    if problem:
        raise ValidationError({"enrolled_on": problem})
    if not project.starts_on <= enrolled_on <= project.ends_on:
        raise ValidationError(
            {
                "enrolled_on": _(
                    "%(name)s ran from %(start)s to %(end)s. The date of admission must be within that period."
                )
                % {"name": project.name, "start": project.starts_on, "end": project.ends_on}
            }
        )
    if Enrolment.objects.visible_to(assessment.by).filter(case=case, project=project).exists():
        raise ValidationError(_("This case is already in the programme."))
    if assessment.outcome != AssessmentOutcome.YES:
        overriding = authority_of(assessment.by).where(Permission.OVERRIDE_ELIGIBILITY)
        if not overriding & {case.lead_organisation_id, project.managed_by_id}:
            raise ValidationError(
                _("The criteria are not met. Only a user who may admit against the criteria can do this.")
            )
        if not assessment.reason:
            raise ValidationError(
                {"reason": _("Say why the person is admitted although the criteria are not met.")}
            )
