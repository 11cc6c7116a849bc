"""The list of active cases, as django-guardian's shortcut scopes it: the same template and the same rows."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.utils.formats import date_format
from guardian.shortcuts import get_objects_for_user

from beneficiaries.forms import CaseFilter
from beneficiaries.models import Case

PAGE = 50


@login_required
def case_list(request):
    """Newest 50 with person, lead, file and district; without a count, in its favour."""
    cases = (
        get_objects_for_user(request.user, "beneficiaries.view_case", klass=Case)
        .filter(status="active")
        .select_related("beneficiary", "lead_organisation", "file__current_district")
        .order_by("-changed_on", "id")
    )
    page = list(cases[: PAGE + 1])
    context = {
        "form": CaseFilter(request.GET),
        "rows": [_shown(case) for case in page[:PAGE]],
        "count": None,
        "first": 1,
        "last": len(page[:PAGE]),
        "next_url": "?from=50" if len(page) > PAGE else "",
        "may_write": True,
    }
    return render(request, "beneficiaries/case_list.html", context)


def _shown(case: Case) -> dict:
    return {
        "reference": case.reference,
        "name": case.beneficiary.name,
        "name_ne": case.beneficiary.name_ne,
        "status": case.get_status_display(),
        "risk": case.file.get_risk_display(),
        "district": case.file.current_district.name if case.file.current_district else "–",
        "lead": case.lead_organisation.name,
        "changed_on": date_format(case.changed_on, "SHORT_DATE_FORMAT"),
    }
