"""Visits that are due or done, and reminders of them."""

from core.clock import now
from reintegration.models import FollowUp, Grant, Reminder
from reintegration.operations.follow_up import record_follow_up
from tests.factories.scene import DECIDES, WORKS, WRITES, Scene, makes


@makes(FollowUp, reads=WORKS, adds=WRITES | DECIDES, changes=WRITES)
@makes(Reminder, reads=WORKS, adds=WRITES | DECIDES, changes=WRITES)
def _visits(scene: Scene) -> FollowUp:
    """The first visit has been made; others are due."""
    scene[Grant]
    with scene.acting() as by:
        return record_follow_up(
            follow_up=FollowUp.objects.visible_to(by).filter(case=scene.case)[0],
            done_on=now().date(),
            outcome="seen",
            wellbeing="good",
            note=scene.token("note"),
            counts=True,
            by=by,
            now=now(),
        )
