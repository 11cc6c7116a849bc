"""Exports: ask, approve, and for the user who asked the file and its password."""

from collections.abc import Iterator
from datetime import datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.authority import authority_of
from accounts.choices import Permission
from accounts.models import User
from accounts.recent import recent_authentication
from beneficiaries import rules
from beneficiaries.choices import ExportState
from beneficiaries.exports.forms import ExportAnswerForm, ExportForm
from beneficiaries.exports.kinds import filters_in, kinds, organisations_for
from beneficiaries.models import Export, ExportFile
from beneficiaries.operations.export import ask_export, decide_export
from beneficiaries.queries.export import export_filters, export_rows_asked, exports_for, may_decide_export
from core import audit, files, searches
from core.clock import now
from core.pages import submit
from core.reference import tidy

METHODS = ["GET", "HEAD", "POST"]
SHOWN = 100
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@login_required
@require_safe
def export_list(request):
    """List exports: those to decide on, the user's own, and those of others."""
    authority = authority_of(request.user)
    if not authority.where(Permission.EXPORT_CASES, Permission.APPROVE_EXPORTS):
        raise PermissionDenied
    found = exports_for(request.user)
    to_decide = found.filter(state=ExportState.WAITING).exclude(requested_by=request.user)
    parts = [
        (_("Waiting for you"), _rows(to_decide[:SHOWN])),
        (_("Your exports"), _rows(found.filter(requested_by=request.user)[:SHOWN])),
        (
            _("Other exports of your organisation"),
            _rows(found.exclude(requested_by=request.user).exclude(state=ExportState.WAITING)[:SHOWN]),
        ),
    ]
    audit.read(request, verb="exports read", detail={"count": sum(len(rows) for _title, rows in parts)})
    context = {
        "parts": [part for part in parts if part[1]],
        "kinds": [
            (code, kind.title) for code, kind in kinds.items() if organisations_for(kind, request.user)
        ],
        "columns": [
            *({"label": label} for label in (_("Export"), _("List"), _("Requested by"), _("Requested on"))),
            {"label": _("Rows"), "numeric": True},
            {"label": _("State")},
        ],
        "shown": SHOWN,
    }
    return render(request, "beneficiaries/export_list.html", context)


def _rows(exports) -> list[dict]:
    return [{"cells": list(_cells(export))} for export in exports]


def _cells(export: Export) -> Iterator[dict]:
    url = reverse("beneficiaries:export-detail", args=[export.reference])
    yield {"text": export.reference, "url": url}
    yield {"text": kinds[export.kind].title}
    yield {"text": export.requested_by.name}
    yield {"text": date_format(localdate(export.asked_at), "SHORT_DATE_FORMAT")}
    yield {"text": export.written_rows or export.counted_rows}
    yield {"text": export.get_state_display()}


@login_required
@require_http_methods(METHODS)
@recent_authentication
def export_ask(request, kind: str):
    """Ask for an export of a list, with the filters of its page."""
    if kind not in kinds:
        raise Http404
    organisations = organisations_for(kinds[kind], request.user)
    if not organisations:
        raise PermissionDenied
    if searches.is_over(request):  # without its search text the list would be longer
        messages.info(request, _("This search has ended. Search again."))
        return redirect("beneficiaries:export-list")
    filters = filters_in(kinds[kind].filters(searches.filters_of(request, kinds[kind].filters)))
    form = ExportForm(request.POST or None, organisations=organisations)

    def action() -> str:
        export = ask_export(
            kind=kind,
            organisation=form.cleaned_data["organisation"],
            filters=filters,
            reason=form.cleaned_data["reason"],
            by=request.user,
            now=now(),
        )
        messages.success(request, _("The export is requested. It will be ready in a minute or two."))
        if export.needs_approval:
            messages.info(
                request, _("The list is long: another user of your organisation must approve it first.")
            )
        return reverse("beneficiaries:export-detail", args=[export.reference])

    context = {
        "form": form,
        "kind": kinds[kind],
        "filters": filters,
        "most": rules.EXPORT_ROWS_A_DAY,
        "left": max(rules.EXPORT_ROWS_A_DAY - export_rows_asked(request.user, on=now().date()), 0),
    }
    return submit(request, form, purpose=f"export:{kind}", action=action) or render(
        request, "beneficiaries/export_ask.html", context
    )


@login_required
@require_http_methods(METHODS)
def export_detail(request, export_reference: str):
    """Show an export, and approve or refuse it."""
    export = _export_or_404(request, export_reference)
    audit.read(request, verb="export read", obj=export, detail={"status": export.state})
    decides = may_decide_export(export, request.user)
    if request.method == "POST" and not decides:
        raise PermissionDenied
    form = ExportAnswerForm(request.POST or None)

    def action() -> str:
        decide_export(
            export=export,
            agrees=form.cleaned_data["agrees"] == "yes",
            answer=form.cleaned_data["answer"],
            by=request.user,
            now=now(),
        )
        messages.success(request, _("Your answer is saved. The user who asked is notified."))
        return reverse("beneficiaries:export-list")

    context = {
        "export": export,
        "kind": kinds[export.kind],
        "form": form if decides else None,
        "file": _file_of(export, request.user),
        "lines": _lines(export),
    }
    return submit(request, form, purpose=f"export-answer:{export.pk}", action=action) or render(
        request, "beneficiaries/export_detail.html", context
    )


def _lines(export: Export) -> list[dict[str, object]]:
    """Return the lines of the page about an export; empty ones are left out."""
    state = export.get_state_display()
    lines: list[tuple[str, object]] = [
        (_("State"), f"{state}. {export.get_failure_display()}" if export.failure else state),
        (_("Organisation"), export.organisation.name),
        (_("Requested"), _by(export.asked_at, export.requested_by)),
        (_("Needed for"), export.reason),
        *export_filters(export),
        (_("Rows counted"), export.counted_rows),
        (_("Rows in the file"), export.written_rows),
        (_("Decided"), export.decided_by and _by(export.decided_at, export.decided_by)),
        (_("Why"), export.answer),
        (_("Deleted after"), export.expires_at and _at(export.expires_at)),
    ]
    return [{"key": label, "value": value} for label, value in lines if value]


def _at(moment: datetime) -> str:
    return date_format(localtime(moment), "DATETIME_FORMAT")


def _by(moment: datetime | None, user: User) -> str:
    assert moment is not None  # a constraint: where `decided_by` is set, so is `decided_at`
    return f"{_at(moment)}, {user.name}"


@login_required
@require_safe
@recent_authentication
def export_password(request, export_reference: str):
    """Show the password of the file."""
    export = _export_or_404(request, export_reference)
    file = _file_or_404(export, request.user)
    audit.read(request, verb="export password read", obj=export)
    return render(request, "beneficiaries/export_password.html", {"export": export, "file": file})


@login_required
@require_safe
@recent_authentication
def export_file(request, export_reference: str):
    """Send the file."""
    export = _export_or_404(request, export_reference)
    file = _file_or_404(export, request.user)
    detail = {"count": export.written_rows, "of": export.kind, "organisation": export.organisation.code}
    audit.read(request, verb="export fetched", obj=export, detail=detail)
    return files.attachment_response(
        files.content(file.name), name=f"{export.kind}-{export.reference}.xlsx", content_type=XLSX
    )


def _export_or_404(request, typed: str) -> Export:
    found = exports_for(request.user).filter(reference=tidy(typed)).first()
    if found is None:
        raise Http404
    return found


def _file_of(export: Export, user) -> ExportFile | None:
    return ExportFile.objects.visible_to(user).filter(export=export).first()


def _file_or_404(export: Export, user) -> ExportFile:
    file = _file_of(export, user)
    if file is None:
        raise Http404
    return file
