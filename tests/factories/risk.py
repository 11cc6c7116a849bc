"""Assessments of the risk level."""

from beneficiaries.models import RiskAssessment
from beneficiaries.operations.risk import assess_risk
from core.clock import now
from tests.factories.scene import NOBODY, WORKS, WRITES, Scene, makes


@makes(RiskAssessment, reads=WORKS, adds=WRITES, changes=NOBODY)
def _risk(scene: Scene) -> None:
    reason = scene.token("risk_reason")
    with scene.acting() as by:
        assess_risk(case=scene.case, level="low", source="review", reason=reason, by=by, now=now())
