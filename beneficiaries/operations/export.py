"""Exports: ask, approve, write the file, and delete it.

An export is asked for in one transaction and written later as the user who asked: permission, access and consent are
checked again when the rows are read.
"""

import logging
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.urls import reverse
from django.utils import formats, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.choices import Permission
from accounts.models import Organisation, User
from accounts.operations.notice import leave_notices
from accounts.queries import holders
from beneficiaries import rules
from beneficiaries.choices import ExportFailure, ExportState
from beneficiaries.exports.kinds import kinds, organisations_for
from beneficiaries.models import Export, ExportFile
from beneficiaries.queries.export import export_rows_asked, exports_asked
from core import audit, files, reference, spreadsheets
from core.context import acting_as, as_nobody

logger = logging.getLogger(__name__)
LOCKS = 0x5A4A  # class of PostgreSQL advisory locks: users who ask for an export just now


class NotWritten(Exception):
    """The export fails: `why` is one of `ExportFailure`."""

    def __init__(self, why: ExportFailure) -> None:
        super().__init__(why)
        self.why = why


class Claimed(NamedTuple):
    """A row of `access.claim_export`."""

    id: UUID
    token: UUID
    requested_by_id: UUID
    attempts: int


@transaction.atomic
def ask_export(
    *, kind: str, organisation: Organisation, filters: Mapping[str, str], reason: str, by, now: datetime
) -> Export:
    """Ask for an export. Above the day's rows it waits for a second user, who is notified.

    Raises ValidationError where there are no rows or too many, or nobody else could approve it.
    """
    if organisation.pk not in organisations_for(kinds[kind], by):
        raise PermissionDenied
    if not reason.strip():
        raise ValidationError({"reason": _("Say what the list is needed for.")})
    count = kinds[kind].rows(by, organisation.pk, filters, now.date()).count()
    if not count:
        raise ValidationError(_("There is nothing on this list that can be exported."))
    if count > rules.EXPORT_ROWS_AT_ONCE:
        most = {"most": rules.EXPORT_ROWS_AT_ONCE}
        raise ValidationError(
            _("At most %(most)s rows can be exported at once. Make the list shorter with the filters.") % most
        )
    _one_after_the_other(by)
    if exports_asked(by, on=now.date()) >= rules.EXPORTS_A_DAY:
        most = {"most": rules.EXPORTS_A_DAY}
        raise ValidationError(_("You requested %(most)s exports today. Try again tomorrow.") % most)
    asked_today = export_rows_asked(by, on=now.date())
    is_long = rules.needs_approval(count, asked_today=asked_today)
    others = holders(Permission.APPROVE_EXPORTS, organisation.pk).exclude(pk=by.pk) if is_long else ()
    if is_long and not others:
        raise ValidationError(_too_many(count))
    export = Export(
        reference=reference.make(),
        kind=kind,
        organisation=organisation,
        requested_by=by,
        filters=dict(filters),
        reason=reason.strip(),
        counted_rows=count,
        needs_approval=is_long,
        state=ExportState.WAITING if is_long else ExportState.QUEUED,
        asked_at=now,
    )
    export.save(force_insert=True)
    _record("export asked", export, by=by, now=now, filters=sorted(filters))
    _notify(
        export, others, "asked", gettext_noop("A user asks to export a long list: %s. Please decide."), now
    )
    return export


def _one_after_the_other(by) -> None:
    """Lock this user's asking, so that of two exports at once the second counts the rows of the first.

    The trigger `export_starts` takes the same lock.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCKS, str(by.pk)])


def _too_many(count: int) -> str:
    return _(
        "With these %(count)s rows you would export more than %(most)s today. Another user of"
        " your organisation would have to approve this, and nobody there may. Make the list "
        "shorter, or ask your administrator."
    ) % {"count": count, "most": rules.EXPORT_ROWS_A_DAY}


@transaction.atomic
def decide_export(*, export: Export, agrees: bool, answer: str, by, now: datetime) -> None:
    """Approve or refuse as a second user of the organisation. The user who asked is notified."""
    found = Export.objects.editable_by(by).select_for_update().filter(pk=export.pk).first()
    if found is None:
        raise PermissionDenied
    if found.state != ExportState.WAITING:
        raise ValidationError(_("This is already decided."))
    if not agrees and not answer.strip():
        raise ValidationError({"answer": _("Say why you refuse.")})
    found.state = ExportState.QUEUED if agrees else ExportState.REFUSED
    found.decided_by, found.decided_at, found.answer = by, now, answer.strip()
    found.save(update_fields=["state", "decided_by", "decided_at", "answer"])
    _record("export agreed" if agrees else "export refused", found, by=by, now=now)
    text = gettext_noop("Your export %s is approved. The file is being prepared.")
    if not agrees:
        text = gettext_noop("Your export %s is refused. See why.")
    _notify(found, [found.requested_by], "decided", text, now)


def write_next_export(*, now: datetime) -> bool:
    """Write the file of the oldest queued export; return False when there is none.

    A refusal settles it as failed. Any other error is logged; once the lease is over, a worker tries again.
    """
    claimed = _claim(now)
    if claimed is None:
        return False
    try:
        if claimed.attempts > rules.EXPORT_TRIES:
            raise NotWritten(ExportFailure.TRIED)
        _write(claimed, now)
    except NotWritten as refusal:
        _give_up(claimed, refusal.why, now)
    except Exception:
        logger.exception("an export could not be written")
    return True


def _claim(now: datetime) -> Claimed | None:
    with as_nobody(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM access.claim_export(%s, %s)", [now, rules.EXPORT_LEASE])  # type: ignore[list-item]
        row = cursor.fetchone()
    return Claimed(*row) if row else None


def _write(claimed: Claimed, now: datetime) -> None:
    """Read the rows, save the file, then settle the export.

    A worker that dies in between leaves a file that nobody can decrypt, which the sweep deletes, and the next worker
    writes the export again.
    """
    requested_by = User.objects.get(pk=claimed.requested_by_id)
    if not requested_by.is_active:
        raise NotWritten(ExportFailure.NO_RIGHT)
    password = spreadsheets.make_password()
    with acting_as(requested_by), translation.override(requested_by.language):
        export = (
            Export.objects.visible_to(requested_by)
            .select_related("organisation", "requested_by")
            .get(pk=claimed.id)
        )
        workbook = _workbook(export, now)
    name = files.keep(spreadsheets.encrypted(workbook.plain, password))
    try:
        with acting_as(requested_by):
            _save_file(claimed, export, name, password, workbook.rows, now)
    except BaseException:
        files.remove(name)
        raise


def _workbook(export: Export, now: datetime) -> spreadsheets.BuiltWorkbook:
    """Return the workbook of the present rows, by what the user who asked may read now."""
    kind, requested_by, today = kinds[export.kind], export.requested_by, now.date()
    if export.organisation_id not in organisations_for(kind, requested_by):
        raise NotWritten(ExportFailure.NO_RIGHT)
    rows = kind.rows(requested_by, export.organisation_id, export.filters, today)
    try:
        with closing(kind.cells(requested_by, rows, today)) as cells:  # closes the database's cursor too
            workbook = spreadsheets.workbook(
                title=str(kind.title),
                columns=kind.columns(),
                rows=cells,
                most=export.counted_rows,
                mark=_watermark(export, now),
            )
    except spreadsheets.TooManyRows as error:
        raise NotWritten(ExportFailure.MORE_ROWS) from error
    if not workbook.rows:
        raise NotWritten(ExportFailure.NO_ROWS)
    return workbook


def _watermark(export: Export, now: datetime) -> spreadsheets.Watermark:
    """Return who exported this, when, and the reference: for a sheet of its own, each page and each row."""
    requested_by = f"{export.requested_by.get_full_name()} ({export.requested_by.username})".strip()
    at = formats.date_format(now, "Y-m-d H:i")
    warning = _(
        "Personal data of people at risk. Use them only for the purpose of the request, and "
        "delete them afterwards."
    )
    lines = [
        (_("List"), str(kinds[export.kind].title)),
        (_("Requested by"), requested_by),
        (_("Organisation"), export.organisation.name),
        (_("Prepared at (Nepal time)"), at),
        (_("Export"), export.reference),
        (_("Please note"), warning),
    ]
    words = {"requested_by": requested_by, "at": at, "reference": export.reference}
    edge = _("Personal data. %(reference)s, %(at)s, %(requested_by)s") % words
    return spreadsheets.Watermark(lines, edge, f"{export.reference} {export.requested_by.username}")


def _save_file(claimed: Claimed, export: Export, name: str, password: str, rows: int, now: datetime) -> None:
    until = now + rules.EXPORT_LIVES
    ExportFile(
        export=export, requested_by=export.requested_by, name=name, password=password, until=until
    ).save(force_insert=True)
    if not _settle(claimed, now, rows=rows, until=until):
        raise RuntimeError(f"export {export.reference}: another worker has it by now")
    _record("export written", export, by=export.requested_by, now=now, rows=rows)
    _notify(
        export,
        [export.requested_by],
        "ready",
        gettext_noop("Your export %s is ready. You can download it for 24 hours."),
        now,
    )


def _settle(
    claimed: Claimed, now: datetime, *, rows: int = 0, until: datetime | None = None, why: str = ""
) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT access.settle_export(%s, %s, %s, %s, %s, %s)",
            [claimed.id, claimed.token, now, rows, until, why],
        )
        return cursor.fetchone()[0]


@transaction.atomic
def _give_up(claimed: Claimed, why: ExportFailure, now: datetime) -> None:
    requested_by = User.objects.get(pk=claimed.requested_by_id)
    if not _settle(claimed, now, why=why):
        return
    with acting_as(requested_by):
        audit.record(  # by the user who asked, or by nobody where the account is closed
            by=None, verb="export failed", obj=Export(pk=claimed.id), now=now, detail={"outcome": why.value}
        )
        export = Export.objects.visible_to(requested_by).filter(pk=claimed.id).first()
        if export is not None:  # None where the account is closed
            _notify(
                export, [requested_by], "failed", gettext_noop("Your export %s could not be prepared."), now
            )


@transaction.atomic
def expire_next_export(*, now: datetime) -> bool:
    """Delete one file that has expired, and destroy the data key of its password; False when there is none."""
    with as_nobody(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM access.expire_export(%s)", [now])
        row = cursor.fetchone()
    if row is None:
        return False
    export_id, name = row
    audit.record(by=None, verb="export expired", obj=Export(pk=export_id), now=now)
    files.remove(name)
    return True


def _record(verb: str, export: Export, *, by, now: datetime, **detail: object) -> None:
    counts = {"count": export.counted_rows, "of": export.kind, "organisation": export.organisation.code}
    audit.record(by=by, verb=verb, obj=export, now=now, detail=counts | detail)


def _notify(export: Export, recipients, what: str, text: str, now: datetime) -> None:
    """Leave a notice that names the export's reference and no beneficiary."""
    leave_notices(
        recipients=recipients,
        key=f"export-{what}:{export.pk}",
        text=text,
        words=(export.reference,),
        url=reverse("beneficiaries:export-detail", args=[export.reference]),
        now=now,
    )
