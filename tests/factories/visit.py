"""Visits that are due or done, and reminders of them."""

from beneficiaries.models import Case
from core.clock import now
from reintegration.models import FollowUp, FollowUpChange, Grant, Reminder
from reintegration.operations.follow_up import correct_follow_up, record_follow_up
from tests.factories.scene import DECIDES, LATER, NOBODY, WORKS, WRITES, Scene, makes


def visited(case: Case, by, *, counts: bool = False, **changes) -> FollowUp:
    """Record a visit to a case with a programme; beside the due one, unless it `counts`."""
    given = {"done_on": now().date(), "outcome": "seen", "wellbeing": "good", "note": "She sells tea."}
    due = FollowUp.objects.visible_to(by).open().filter(case=case)[0]
    return record_follow_up(follow_up=due, counts=counts, by=by, now=now(), **given | changes)


def corrected_visit(
    follow_up: FollowUp, by, *, reason: str = "Misheard.", version: int = 0, **changes
) -> FollowUp:
    """Correct fields of a recorded follow-up on its present version."""
    row = FollowUp.objects.get(pk=follow_up.pk)
    values = {name: getattr(row, name) for name in ("done_on", "wellbeing", "note")} | changes
    why = {"version": version or row.version, "reason": reason}
    return correct_follow_up(follow_up=row, **values, **why, by=by, now=now())


@makes(FollowUpChange, reads=WORKS, adds=WRITES, changes=NOBODY, copy=LATER)
@makes(FollowUp, reads=WORKS, adds=WRITES | DECIDES, changes=WRITES)
@makes(Reminder, reads=WORKS, adds=WRITES | DECIDES, changes=WRITES)
def _visits(scene: Scene) -> FollowUp:
    """The first visit has been made, and what was recorded corrected; others are due."""
    scene[Grant]
    with scene.acting() as by:
        visit = visited(scene.case, by, note=scene.token("note"), counts=True)
        return corrected_visit(visit, by, note=f"{visit.note} Tea.", reason=scene.token("visit_reason"))
