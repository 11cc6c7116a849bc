"""Assignments of caseworkers."""

from accounts.models import User
from beneficiaries.models import Assignment, Case
from beneficiaries.operations.assignment import reassign_cases
from core.clock import now
from tests.factories.access import a_colleague
from tests.factories.scene import LEADS, NOBODY, WORKS, Scene, makes


def reassigned(case: Case, caseworker: User, by, note: str = "She prefers to speak Tamang.") -> None:
    """Give the case another caseworker."""
    reassign_cases(cases=[case], caseworker=caseworker, note=note, by=by, now=now())


@makes(Assignment, reads=WORKS, adds=LEADS, changes=NOBODY)
def _assignments(scene: Scene) -> None:
    """To a colleague, and back."""
    colleague = a_colleague(f"colleague_{scene.code}", scene.code)
    for former, new in ((scene.lead, colleague.username), (colleague.username, scene.lead)):
        with scene.acting(former) as by:
            reassigned(scene.case, scene.users[new], by, note=scene.token("assignment_note"))
