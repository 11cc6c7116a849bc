"""The list of cases that a person works on."""

from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.queries import authority_of
from beneficiaries import queries
from beneficiaries.forms import CaseFilter

PAGE = 50
COUNTED = 1000


@login_required
@require_safe
def case_list(request):
    authority = authority_of(request.user)
    if not authority.may("read_cases"):
        raise PermissionDenied
    form = CaseFilter(request.GET)
    chosen = form.cleaned_data if form.is_valid() else {}
    rows = queries.case_list(
        request.user,
        status=chosen.get("status") or "",
        district_id=chosen["district"].pk if chosen.get("district") else None,
        find=chosen.get("find") or "",
    )
    start = max(int(request.GET["from"]), 0) if request.GET.get("from", "").isdecimal() else 0
    page = list(rows[start : start + PAGE + 1])
    context = {
        "form": form,
        "rows": page[:PAGE],
        "count": rows.order_by()[: COUNTED + 1].count() if not chosen.get("find") else None,
        "counted": COUNTED,
        "previous_url": _page(request, max(start - PAGE, 0)) if start else "",
        "next_url": _page(request, start + PAGE) if len(page) > PAGE else "",
        "first": start + 1,
        "last": start + len(page[:PAGE]),
        "may_write": authority.may("write_cases"),
    }
    return render(request, "beneficiaries/case_list.html", context)


def _page(request, start: int) -> str:
    kept = {name: value for name, value in request.GET.items() if name != "from" and value}
    return "?" + urlencode({**kept, "from": start})
