"""Who read a case, for those who work on it."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from beneficiaries.queries.reader import readers_of
from beneficiaries.views.case import case_or_404


@login_required
@require_safe
def case_readers(request, reference: str):
    """List readers by day, newest first, with the reason of an emergency or else their organisations."""
    case = case_or_404(request, reference)
    columns = [{"label": label} for label in (_("Day"), _("Who"), _("For which organisation"), _("Times"))]
    rows = [
        {
            "cells": [
                {"text": date_format(reading.on_day, "DATE_FORMAT")},
                {"text": reading.name},
                {"text": reading.why},
                {"text": str(reading.times)},
            ]
        }
        for reading in readers_of(case, request.user)
    ]
    return render(
        request, "beneficiaries/case_readers.html", {"case": case, "columns": columns, "rows": rows}
    )
