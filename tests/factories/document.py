"""Documents of a case."""

from beneficiaries.models import Case, Document
from beneficiaries.operations.document import add_document, remove_document
from core.access import Confidentiality
from core.clock import now
from tests import uploaded_files
from tests.factories.scene import LEADS, WORKS, WRITES, Scene, makes


def a_document(case: Case, by, *, data: bytes | None = None, **changes) -> Document:
    """Add a letter to the case."""
    data = uploaded_files.pdf() if data is None else data
    given = {"kind": "letter", "confidentiality": "normal", "title": "Letter of the ward"}
    return add_document(case=case, data=data, size=len(data), by=by, now=now(), **given | changes)


@makes(Document, reads=WORKS, adds=WRITES, changes=LEADS, by="by_id")
def _documents(scene: Scene) -> Document:
    """One that was deleted, and one of each confidentiality, the normal one last."""
    with scene.acting() as by:
        removed = a_document(scene.case, by)
        remove_document(document=removed, why=scene.token("removed_why"), by=by, now=now())
        for kind in reversed(Confidentiality.values):
            document = a_document(scene.case, by, title=scene.token("title"), confidentiality=kind)
        return document
