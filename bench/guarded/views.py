"""The case list as django-guardian's documentation builds one: its shortcut, and Django's paginator.

The same template and the same rows as ours. With `?capped` it counts to a thousand and no further, as ours
does.
"""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import render
from django.utils.formats import date_format
from guardian.shortcuts import get_objects_for_user

from beneficiaries.forms.case import CaseFilter
from beneficiaries.models import Case
from beneficiaries.views.case_list import COUNTED, PAGE, column_labels
from core.tables import RowHeader, table_rows


@login_required
def case_list(request):
    """Newest 50 with beneficiary, lead, file and district, and how many there are."""
    cases = (
        get_objects_for_user(request.user, "beneficiaries.view_case", klass=Case)
        .select_related("beneficiary", "lead_organisation", "file__current_district")
        .order_by("-changed_on", "id")
    )
    if "capped" in request.GET:
        count, shown = cases.values("pk")[: COUNTED + 1].count(), cases[:PAGE]
    else:
        page = Paginator(cases, PAGE).page(1)
        count, shown = page.paginator.count, page.object_list
    labels = column_labels()
    context = {
        "form": CaseFilter(request.GET),
        "labels": labels,
        "rows": table_rows(labels, map(_shown, shown)),
        "count": count,
        "counted": COUNTED,
        "first": 1,
        "last": PAGE,
        "next_url": "?from=50",
        "may_write": True,
    }
    return render(request, "beneficiaries/case_list.html", context)


def _shown(case: Case) -> tuple[RowHeader, list[str]]:
    district = case.file.current_district
    return RowHeader(f"/cases/{case.reference}/", case.beneficiary.name, case.beneficiary.name_ne), [
        case.reference,
        str(case.get_status_display()),
        str(case.file.get_risk_display()),
        district.name if district else "–",
        case.lead_organisation.name,
        date_format(case.changed_on, "SHORT_DATE_FORMAT"),
    ]
