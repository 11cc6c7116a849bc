"""Reintegration plans."""

from beneficiaries.models import Case, Enrolment
from core.clock import now
from reintegration.models import Plan, PlanChange
from reintegration.operations.plan import agree_plan, correct_plan
from tests.factories.admission import admitted
from tests.factories.scene import LATER, NOBODY, WORKS, WRITES, Scene, makes


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


def corrected_plan(plan: Plan, by, *, reason: str = "Misunderstood.", version: int = 0, **changes) -> Plan:
    """Correct fields of a plan on its present version."""
    row = Plan.objects.get(pk=plan.pk)
    values = {name: getattr(row, name) for name in Plan.record_fields} | changes
    return correct_plan(plan=row, **values, version=version or row.version, reason=reason, by=by, now=now())


@makes(PlanChange, reads=WORKS, adds=WRITES, changes=NOBODY, copy=LATER)
@makes(Plan, reads=WORKS, adds=WRITES, changes=WRITES)
def _plan(scene: Scene) -> Plan:
    enrolment, texts = scene[Enrolment], {name: scene.token(name) for name in ("goal", "steps")}
    with scene.acting() as by:
        plan = planned(scene.case, by, enrolment=enrolment, **texts)
        return corrected_plan(plan, by, goal=f"{plan.goal} At home.", reason=scene.token("plan_reason"))
