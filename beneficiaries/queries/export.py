"""Exports that a user sees, and how much they asked for."""

from datetime import date

from django.db.models import Sum
from django.utils.translation import gettext as _

from beneficiaries.choices import CaseStatus, ExportState
from beneficiaries.models import Export
from beneficiaries.models.export import ExportQuerySet
from geography.models import District


def exports_for(user) -> ExportQuerySet:
    """Return the exports that this user asked for or may approve, newest first."""
    found = Export.objects.visible_to(user).select_related("organisation", "requested_by", "decided_by")
    return found.order_by("-asked_at", "id")


def export_rows_asked(user, *, on: date) -> int:
    """Return how many rows the user asked to export on a day (in Nepal), without refused and failed exports."""
    asked = Export.objects.visible_to(user).asked_on(on).filter(requested_by=user)
    return asked.aggregate(rows=Sum("counted_rows"))["rows"] or 0


def exports_asked(user, *, on: date) -> int:
    """Return how many exports the user asked for on a day (in Nepal), whatever became of them."""
    return Export.objects.visible_to(user).filter(requested_by=user, asked_at__date=on).count()


def may_decide_export(export: Export, user) -> bool:
    """Return whether the export waits for approval and this user may decide on it."""
    waiting = Export.objects.editable_by(user).filter(pk=export.pk, state=ExportState.WAITING)
    return waiting.exists()


def export_filters(export: Export) -> list[tuple[str, str]]:
    """Return the filters of an export as (label, value). Of a search only that there was one, not its text."""
    given = export.filters
    district = District.objects.filter(code=given.get("district", "")).first()
    words = [
        (_("Status"), dict(CaseStatus.choices).get(given.get("status", ""))),
        (_("District"), district and district.name),
        (_("Searched for"), _("a name, telephone number or reference") if given.get("find") else ""),
    ]
    return [(label, str(value)) for label, value in words if value]
