"""Emergency access."""

from beneficiaries.models import EmergencyOpening
from beneficiaries.operations.emergency import break_glass
from core.clock import now
from tests.factories.scene import NOBODY, WORKS, Scene, makes


@makes(EmergencyOpening, reads=WORKS, adds=NOBODY, changes=NOBODY)
def _emergency(scene: Scene) -> None:
    reason = f"{scene.token('emergency')} and nobody answers."
    with scene.acting("protection_supervisor") as by:
        break_glass(typed=scene.case.reference, reason=reason, by=by, now=now())
