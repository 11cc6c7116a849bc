"""Upload documents, scan them, and delete them.

A file is encrypted with its case's data key. It is written before its row, so that an aborted transaction leaves a
file without a row: the daily sweep deletes those. Only the row decides whether a file may be read.
"""

import logging
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from accounts.operations.notice import leave_notice
from beneficiaries import rules
from beneficiaries.choices import DocumentKind, DocumentState
from beneficiaries.models import Case, Document
from beneficiaries.operations.note import check_confidentiality
from beneficiaries.queries.document import documents_added, files_refused
from core import audit, clock, data_keys, files, scanner, uploads
from core.context import acting_as, as_nobody
from core.integrity import violated

logger = logging.getLogger(__name__)
LEASE = timedelta(minutes=2)
LEFT_BEHIND = timedelta(days=1)
HARMFUL = "harmful"  # code of the ValidationError, which the view then puts on the audit log


class Waiting(NamedTuple):
    """A row of `access.next_to_scan`."""

    id: UUID
    token: UUID
    file: str
    subject: UUID
    wrapped: bytes | None


@transaction.atomic
def add_document(
    *, case: Case, kind: str, confidentiality: str, title: str, data: bytes, size: int, by, now: datetime
) -> Document:
    """Save an uploaded file: cleaned, scanned, encrypted. `size` is what was sent, in bytes.

    While the scanner is down the document waits, and nobody can read it. Raises ValidationError for a refused file (its
    code is HARMFUL or `uploads.REFUSED`), after 100 files of a user in a day, and after 10 refused ones in an hour.
    """
    if not Case.objects.editable_by(by).filter(pk=case.pk).exists():
        raise PermissionDenied
    check_confidentiality(case=case, confidentiality=confidentiality, by=by)
    try:
        uploads.check_size(size)
        uploads.take_slot(by)
        if documents_added(by, on=now.date()) >= rules.DOCUMENTS_A_DAY:
            raise _too_many_today()
        if files_refused() >= rules.REFUSED_AN_HOUR:
            raise _too_many_refused()
        state = _scan(data)  # as it was sent, before any code of ours opens it
        upload = uploads.clean_upload(data)
    except ValidationError as error:
        raise ValidationError({"file": error}) from error
    document = Document(
        case=case,
        kind=DocumentKind(kind),
        confidentiality=confidentiality,
        title=title.strip(),
        state=state,
        content_type=upload.content_type,
        size=len(upload.data),
        by=by,
        at=now,
    )
    document.clean_fields(exclude=["case", "file"])
    document.file = files.keep(data_keys.encrypt_for(case.pk, upload.data, bound_to=document.place))
    try:
        document.save(force_insert=True)
    except IntegrityError as error:  # some are in cases that this user can't read any more
        files.remove(document.file)
        if violated(error) != "beneficiaries_document_few_a_day":
            raise
        raise _too_many_today() from error
    audit.record(
        by=by,
        verb="document added",
        obj=document,
        case_id=case.pk,
        now=now,
        detail={"confidentiality": confidentiality, "status": document.state},
    )
    return document


def _too_many_refused() -> ValidationError:
    most = {"most": rules.REFUSED_AN_HOUR}
    return ValidationError(
        _("%(most)s of your files were refused in the last hour. Upload the next one in an hour.") % most
    )


def _too_many_today() -> ValidationError:
    most = {"most": rules.DOCUMENTS_A_DAY}
    return ValidationError(_("You added %(most)s files today. Add the others tomorrow.") % most)


def _scan(data: bytes) -> DocumentState:
    if not scanner.is_configured():
        return DocumentState.UNCHECKED
    try:
        if not scanner.finds_malware(data):
            return DocumentState.CLEAN
    except scanner.ScannerDown:
        return DocumentState.WAITING
    raise ValidationError(
        _("A virus was found in this file, so it was not saved. Have your phone or computer checked."),
        code=HARMFUL,
    )


@transaction.atomic
def record_refused_file(*, case: Case, is_harmful: bool, by, now: datetime) -> None:
    """Put on the audit log that a file was refused; nothing else of it is kept. `files_refused` counts these events."""
    verb = "harmful file refused" if is_harmful else "file refused"
    audit.record(by=by, verb=verb, obj=case, case_id=case.pk, now=now)


@transaction.atomic
def remove_document(*, document: Document, why: str, by, now: datetime) -> None:
    """Delete the file of a document for ever, for example because it belongs to another case. The row stays."""
    found = Document.objects.editable_by(by).select_for_update().filter(pk=document.pk).first()
    if found is None:
        raise PermissionDenied
    if not why.strip():
        raise ValidationError({"why": _("Say why.")})
    if not found.file:
        raise ValidationError(_("This file was already deleted."))
    name, found.file = found.file, ""
    found.state, found.removed_by, found.removed_at, found.removed_why = DocumentState.REMOVED, by, now, why
    found.clean_fields(exclude=["case", "file"])
    found.save(update_fields=["file", "state", "removed_by", "removed_at", "removed_why"])
    transaction.on_commit(lambda: files.remove(name))
    audit.record(by=by, verb="document deleted", obj=found, case_id=found.case_id, now=now)


def scan_waiting(*, now: datetime | None = None, limit: int = 500) -> dict[str, int]:
    """Scan documents that were uploaded while the scanner was down; return counts by result.

    Stops where the scanner is still down. A document that can't be read is logged, and tried again after its lease.
    """
    counts = {"clean": 0, "harmful": 0}
    for _number in range(limit if scanner.is_configured() else 0):
        waiting = _next_to_scan(now or clock.now())
        if waiting is None:
            break
        try:
            is_harmful = _has_harm(waiting)
        except scanner.ScannerDown:
            break
        except Exception:
            logger.exception("a document could not be scanned")
            continue
        _settle(waiting, is_harmful, now=now or clock.now())
        counts["harmful" if is_harmful else "clean"] += 1
    return counts


def _next_to_scan(at: datetime) -> Waiting | None:
    with as_nobody(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM access.next_to_scan(%s, %s)", [at, LEASE])  # type: ignore[list-item]
        row = cursor.fetchone()
    return Waiting(*row) if row else None


def _has_harm(waiting: Waiting) -> bool:
    if waiting.wrapped is None:  # the beneficiary was erased, and the data key destroyed
        return False
    data_key = data_keys.unwrap(waiting.subject, waiting.wrapped)
    encrypted = files.content(waiting.file)
    return scanner.finds_malware(
        data_keys.decrypt_under(data_key, encrypted, bound_to=Document(pk=waiting.id).place)
    )


@transaction.atomic
def _settle(waiting: Waiting, is_harmful: bool, *, now: datetime) -> None:
    with as_nobody(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM access.settle_scan(%s, %s, %s)", [waiting.id, waiting.token, is_harmful]
        )
        row = cursor.fetchone()
    if row is None:  # it was deleted meanwhile, or another worker has it
        return
    verb = "harmful file deleted" if is_harmful else "document scanned"
    audit.record(by=None, verb=verb, obj=Document(pk=waiting.id), case_id=waiting.subject, now=now)
    if not is_harmful:
        return
    transaction.on_commit(lambda: files.remove(waiting.file))
    uploaded_by, reference = row
    recipient = User.objects.get(pk=uploaded_by)
    with acting_as(recipient):
        leave_notice(
            recipient=recipient,
            key=f"harmful:{waiting.id}",
            text=gettext_noop(
                "A virus was found in a file that you added to case %(reference)s. The file was deleted."
            ),
            words={"reference": reference},
            url=f"/cases/{reference}/",
            now=now,
        )


def sweep_files(*, now: datetime) -> int:
    """Delete files older than a day that no row refers to; return how many."""
    found = list(files.older_than(now - LEFT_BEHIND))
    with as_nobody(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM access.files_known(%s)", [found])
        known = {name for (name,) in cursor.fetchall()}
    left_behind = [name for name in found if name not in known]
    for name in left_behind:
        files.remove(name)
    return len(left_behind)
