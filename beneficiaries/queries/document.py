"""Documents of a case and the content of their files."""

from datetime import date
from uuid import UUID

from django.db import connection

from beneficiaries.models import Document
from beneficiaries.queries.case import case_by_reference
from core import data_keys, files


def document_of(user, reference: str, document_id: UUID) -> Document | None:
    """Return a document of the case if the user may read it; None both for a missing one and for a hidden one."""
    case = case_by_reference(user, reference)
    if case is None:
        return None
    return Document.objects.visible_to(user).filter(case=case, pk=document_id).first()


def documents_added(user, *, on: date) -> int:
    """Return how many documents the user added on a day, among those that they may read."""
    return Document.objects.visible_to(user).filter(by=user, at__date=on).count()


def files_refused() -> int:
    """Return how many files of the current user were refused in the last hour, by the audit log."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT access.files_refused()")
        return cursor.fetchone()[0]


def content_of(document: Document) -> bytes | None:
    """Return the decrypted file; None before it was scanned, and after its file or its data key was destroyed."""
    if not document.is_open:
        return None
    return data_keys.decrypt_for(files.content(document.file), bound_to=document.place)
