"""The safety step that a high risk owes to the person."""

from datetime import datetime

from beneficiaries.models import RiskAssessment
from reintegration.choices import SAFETY, SAFETY_LABELS
from reintegration.models import FollowUp
from reintegration.operations.follow_up import owe


def owe_safety_step(*, assessment: RiskAssessment, by, now: datetime) -> None:
    """Owe a safety step today, with its reminder, where none is open (the hook `beneficiaries.hooks.high_risk_found`).

    Runs inside the assessment, whose lock on the case file keeps two at once apart.
    """
    if FollowUp.objects.visible_to(by).filter(case=assessment.case, kind=SAFETY, done_on=None).exists():
        return
    owe(
        FollowUp(
            case=assessment.case,
            origin=f"{SAFETY}:{assessment.pk}",
            kind=SAFETY,
            due_on=now.date(),
            **SAFETY_LABELS,
        )
    )
