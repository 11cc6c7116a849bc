"""Notes of a case."""

from beneficiaries.models import CaseNote
from beneficiaries.operations.note import add_note
from core.access import Confidentiality
from core.clock import now
from tests.factories.scene import NOBODY, WORKS, WRITES, Scene, makes


@makes(CaseNote, reads=WORKS, adds=WRITES, changes=NOBODY)
def _notes(scene: Scene) -> None:
    """One of each confidentiality."""
    with scene.acting() as by:
        for kind in Confidentiality.values:
            add_note(case=scene.case, text=scene.token("text"), confidentiality=kind, by=by, now=now())
