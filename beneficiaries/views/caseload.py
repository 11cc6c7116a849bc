"""Which caseworker has which open cases, and reassigning them."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from beneficiaries import caseload
from beneficiaries.choices import Risk
from beneficiaries.forms.case import ReassignCaseForm, ReassignForm
from beneficiaries.models import Case
from beneficiaries.operations.assignment import reassign_cases
from beneficiaries.queries.case import file_of
from beneficiaries.views.case import METHODS, led_or_refused
from core import audit
from core.clock import now
from core.pages import submit

SHOWN = 200


def _require_assigner(request) -> None:
    if not caseload.assigns_in(request.user):
        raise PermissionDenied


@login_required
@require_safe
def caseload_list(request):
    """List caseworkers with their number of open cases, and the number of cases without a caseworker."""
    _require_assigner(request)
    nobodys = caseload.cases_without_caseworker(request.user).count()
    labels = (_("Caseworker"), _("Open cases"), _("High risk"))
    context = {
        "nobodys": nobodys,
        "columns": [{"label": label, "numeric": number > 0} for number, label in enumerate(labels)],
        "rows": [_row(load) for load in caseload.caseload(request.user)],
    }
    return render(request, "beneficiaries/caseload_list.html", context)


def _row(load: caseload.Load) -> dict[str, object]:
    caseworker: dict[str, object] = {"text": load.user.name}
    if load.cases:
        caseworker["url"] = reverse("beneficiaries:caseload-detail", args=[load.user.pk])
    if not load.works:
        caseworker["tag"] = {"label": _("No longer allowed to write here"), "colour": "red"}
    return {"cells": [caseworker, {"text": load.cases}, {"text": load.high_risk}]}


@login_required
@require_http_methods(METHODS)
def caseload_detail(request, user_id: UUID):
    """Show the open cases of one caseworker, and reassign them."""
    _require_assigner(request)
    caseworker = User.objects.filter(pk=user_id).first()
    rows = caseload.open_cases(request.user).filter(caseworker=user_id)
    if caseworker is None or not rows.exists():
        raise Http404
    return _reassign(request, rows, title=caseworker.name, purpose=f"caseload:{user_id}")


@login_required
@require_http_methods(METHODS)
def caseload_nobody(request):
    """Show the open cases without a caseworker, and reassign them."""
    _require_assigner(request)
    rows = caseload.cases_without_caseworker(request.user)
    return _reassign(request, rows, title=_("Nobody works on these"), purpose="caseload:nobody")


def _reassign(request, rows, *, title: str, purpose: str):
    """Show cases to choose from and caseworkers; reassign the chosen cases."""
    shown = list(
        rows.select_related("case__beneficiary", "caseworker").order_by("changed_on", "case_id")[:SHOWN]
    )
    audit.read(request, verb="list read", detail={"count": len(shown)})
    form = ReassignForm(
        request.POST or None,
        cases=[(str(row.case_id), _label(row)) for row in shown],
        caseworkers=caseload.possible_caseworkers(caseload.assigns_in(request.user)),
    )

    def action() -> str:
        chosen = {row.case_id: row.case for row in shown}
        assignments = reassign_cases(
            cases=[chosen[UUID(pk)] for pk in form.cleaned_data["cases"]],
            caseworker=form.cleaned_data["caseworker"],
            note=form.cleaned_data["note"],
            by=request.user,
            now=now(),
        )
        text = ngettext(
            "%(count)s case is now with %(name)s.", "%(count)s cases are now with %(name)s.", len(assignments)
        )
        name = form.cleaned_data["caseworker"].name
        messages.success(request, text % {"count": len(assignments), "name": name})
        return reverse("beneficiaries:caseload-list")

    context = {
        "form": form,
        "title": title,
        "has_cases": bool(shown),
        "is_cut": len(shown) == SHOWN,
        "shown": SHOWN,
    }
    return submit(request, form, purpose=purpose, action=action) or render(
        request, "beneficiaries/caseload_detail.html", context
    )


def _label(row) -> str:
    """Return a case as one line: reference, name, risk level, and when it was changed last."""
    parts = [
        f"{row.reference} {row.case.beneficiary.name}",
        str(dict(Risk.choices).get(row.risk, "")),
        _("changed on %s") % date_format(row.changed_on, "SHORT_DATE_FORMAT"),
    ]
    if not row.works:
        parts.append(_("was with %s") % row.caseworker.name)
    return " · ".join(part for part in parts if part)


@login_required
@require_http_methods(METHODS)
def case_reassign(request, reference: str):
    """Give one case to another caseworker."""
    case: Case = led_or_refused(request, reference)
    if not caseload.may_reassign(case, file_of(case, request.user).caseworker_id, request.user):
        raise PermissionDenied
    form = ReassignCaseForm(
        request.POST or None, caseworkers=caseload.possible_caseworkers([case.lead_organisation_id])
    )

    def action() -> str:
        caseworker = form.cleaned_data["caseworker"]
        reassign_cases(
            cases=[case], caseworker=caseworker, note=form.cleaned_data["note"], by=request.user, now=now()
        )
        messages.success(request, _("%s is now the caseworker.") % caseworker.name)
        return reverse("case-detail", args=[case.reference])

    return submit(request, form, purpose=f"reassign:{case.pk}", action=action) or render(
        request, "beneficiaries/case_reassign.html", {"form": form, "case": case}
    )
