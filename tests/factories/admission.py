"""Screenings, assessments and enrolments."""

from beneficiaries.models import Assessment, Case, Enrolment, Screening
from beneficiaries.operations.admission import record_screening
from core.clock import now
from projects.facts import FACTS
from projects.queries import current_criteria
from projects.rules import facts_named
from reintegration.operations.admission import admit
from tests.factories.programme import project
from tests.factories.scene import NOBODY, REFERENCE, WORKS, WRITES, Scene, makes


def screened(case: Case, by, code: str = "RASNM-2", **answers) -> None:
    named = facts_named(current_criteria(project(code)).tree)
    given = {name: True for name in FACTS if FACTS[name].asked and name in named}
    record_screening(case=case, answers=given | answers, by=by, now=now())


def admitted(case: Case, by, code: str = "RASNM-2", **changes) -> Enrolment:
    screened(case, by, code)
    given = {"decision": "admitted", "enrolled_on": now().date(), "reason": ""}
    admit(case=case, project=project(code), by=by, now=now(), **given | changes)
    return Enrolment.objects.visible_to(by).get(case=case, project__code=code)


@makes(Screening, reads=WORKS, adds=WRITES, changes=NOBODY)
@makes(Assessment, reads=WORKS, adds=WRITES, changes=NOBODY)
@makes(Enrolment, reads=REFERENCE, adds=WRITES, changes=WRITES)
def _admission(scene: Scene) -> Enrolment:
    with scene.acting() as by:
        return admitted(scene.case, by, reason=scene.token("assessment_reason"))
