"""Documents of a case."""

from beneficiaries.models import Case, Document
from beneficiaries.operations.document import add_document
from core.clock import now
from tests import uploaded_files


def a_document(case: Case, by, *, data: bytes | None = None, **changes) -> Document:
    """Add a letter to the case."""
    data = uploaded_files.pdf() if data is None else data
    given = {"kind": "letter", "confidentiality": "normal", "title": "Letter of the ward"}
    return add_document(case=case, data=data, size=len(data), by=by, now=now(), **given | changes)
