"""The safety step that a high risk requires."""

from datetime import datetime

from beneficiaries.models import RiskAssessment
from reintegration.choices import SAFETY, SAFETY_LABELS
from reintegration.models import FollowUp
from reintegration.operations.follow_up import add_follow_up


def schedule_safety_step(*, assessment: RiskAssessment, by, now: datetime) -> None:
    """Schedule a safety step today, with its reminder, where none is open.

    Called through the hook `beneficiaries.hooks.high_risk_found` inside the assessment, whose lock on the case file
    keeps concurrent ones apart.
    """
    if FollowUp.objects.visible_to(by).filter(case=assessment.case, kind=SAFETY, done_on=None).exists():
        return
    add_follow_up(
        FollowUp(
            case=assessment.case,
            origin=f"{SAFETY}:{assessment.pk}",
            kind=SAFETY,
            due_on=now.date(),
            **SAFETY_LABELS,
        )
    )
