"""Reintegration plans."""

from beneficiaries.models import Case, Enrolment
from core.clock import now
from reintegration.models import Plan
from reintegration.operations.plan import agree_plan
from tests.factories.admission import admitted
from tests.factories.scene import WORKS, WRITES, Scene, makes


def planned(case: Case, by, code: str = "RASNM-2", *, enrolment=None, goal="A tea shop.", steps="") -> Plan:
    return agree_plan(
        enrolment=enrolment or admitted(case, by, code),
        livelihood="tea_shop",
        goal=goal,
        steps=steps,
        agreed_on=now().date(),
        by=by,
        now=now(),
    )


@makes(Plan, reads=WORKS, adds=WRITES, changes=WRITES)
def _plan(scene: Scene) -> Plan:
    enrolment, texts = scene[Enrolment], {name: scene.token(name) for name in ("goal", "steps")}
    with scene.acting() as by:
        return planned(scene.case, by, enrolment=enrolment, **texts)
