"""Admission to a programme, with its follow-ups."""

from datetime import date, datetime

from django.db import transaction

from beneficiaries.choices import AssessmentDecision
from beneficiaries.models import Assessment, Case
from beneficiaries.operations.admission import decide_admission
from projects.choices import FollowUpStart
from projects.models import Project
from reintegration.operations.follow_up import schedule_follow_ups


@transaction.atomic
def admit(
    *, case: Case, project: Project, decision: str, enrolled_on: date, reason: str = "", by, now: datetime
) -> Assessment:
    """Decide on admission; when admitted, schedule the follow-ups that the programme counts from that day."""
    assessment = decide_admission(
        case=case, project=project, decision=decision, enrolled_on=enrolled_on, reason=reason, by=by, now=now
    )
    if decision == AssessmentDecision.ADMITTED:
        schedule_follow_ups(
            case_id=case.pk, project=project, starts=FollowUpStart.ENROLLED, on=enrolled_on, by=by, now=now
        )
    return assessment
