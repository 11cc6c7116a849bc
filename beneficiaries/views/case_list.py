"""The list of cases that the user works on."""

from collections.abc import Iterator
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.authority import authority_of
from beneficiaries.caseload import assigns_in
from beneficiaries.choices import CaseStatus, Risk
from beneficiaries.exports.kinds import filters_in, kinds, organisations_for
from beneficiaries.forms.case import CaseFilter
from beneficiaries.queries import case_list as queries
from core import audit, searches
from core.pages import offset_of, page_url
from core.tables import RowHeader, table_rows

PAGE = 50
COUNTED = 1000


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def case_list(request):
    """List cases. A search is sent by POST and redirects to a URL that doesn't contain the text."""
    authority = authority_of(request.user)
    if not authority.may("read_cases"):
        raise PermissionDenied
    if request.method == "POST":
        return searches.redirect_to_results(request, CaseFilter(request.POST))
    form = CaseFilter(searches.filters_of(request, CaseFilter))
    chosen = form.cleaned_data if form.is_valid() else {}
    rows = queries.case_list(
        request.user,
        status=chosen.get("status") or "",
        district_id=chosen.get("district"),
        find=chosen.get("find") or "",
    )
    if is_over := searches.is_over(request):
        rows = rows.none()
    start = offset_of(request)
    page = queries.case_page(rows, start, PAGE + 1)
    audit.read(
        request,
        verb="list read",
        detail={"count": len(page[:PAGE]), "filters": sorted(filter(chosen.get, chosen))},
    )
    labels = column_labels()
    context = {
        "form": form,
        "labels": labels,
        "rows": table_rows(labels, _shown(page[:PAGE])),
        "count": queries.count_up_to(rows, COUNTED) if not chosen.get("find") else None,
        "counted": COUNTED,
        "previous_url": page_url(request, max(start - PAGE, 0)) if start else "",
        "next_url": page_url(request, start + PAGE) if len(page) > PAGE else "",
        "first": start + 1,
        "last": start + len(page[:PAGE]),
        "may_write": authority.may("write_cases"),
        "assigns": bool(assigns_in(request.user)),
        "is_over": is_over,
        "export_url": _export_url(request, form),
    }
    return render(request, "beneficiaries/case_list.html", context)


def _export_url(request, form: CaseFilter) -> str:
    """Return the URL to export the list as filtered here; "" for who may not export it."""
    if not organisations_for(kinds["cases"], request.user):
        return ""
    address = reverse("beneficiaries:export-ask", args=["cases"])
    filters = {name: value for name, value in filters_in(form).items() if name not in form.words}
    if searches.IN_ADDRESS in request.GET:
        filters[searches.IN_ADDRESS] = request.GET[searches.IN_ADDRESS]
    return f"{address}?{urlencode(filters)}"


def column_labels() -> list[str]:
    """Return the labels of the columns after the name."""
    return [_("Reference"), _("Status"), _("Risk level"), _("District"), _("Led by"), _("Last changed")]


def _shown(rows: list[dict]) -> Iterator[tuple[RowHeader, list[str]]]:
    """Yield the rows as text. Labels and dates that many rows share are made once."""
    is_nepali, cases_url = get_language() == "ne", reverse("beneficiaries:case-list")
    statuses = {code: str(label) for code, label in CaseStatus.choices}
    risks = {code: str(label) for code, label in Risk.choices}
    days = {day: date_format(day, "SHORT_DATE_FORMAT") for day in {row["changed_on"] for row in rows}}
    parts = [f"case__beneficiary__{part}_name" for part in ("first", "middle", "second")]

    def named(row: dict, what: str) -> str:
        return (is_nepali and row[f"{what}__name_ne"]) or row[f"{what}__name_en"] or "–"

    for row in rows:
        name = " ".join(row[part] for part in parts if row[part])
        yield (
            RowHeader(f"{cases_url}{row['reference']}/", name, row["case__beneficiary__name_ne"]),
            [
                row["reference"],
                statuses[row["status"]],
                risks.get(row["risk"], ""),
                named(row, "district"),
                named(row, "lead_organisation"),
                days[row["changed_on"]],
            ],
        )
