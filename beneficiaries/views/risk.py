"""Assess the risk of a case."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from beneficiaries.choices import RiskSource
from beneficiaries.forms.case import RiskForm
from beneficiaries.operations.risk import assess_risk
from beneficiaries.queries.case import file_of
from beneficiaries.views.case import METHODS, case_or_404
from core.clock import now
from core.pages import submit


@login_required
@require_http_methods(METHODS)
def risk_assess(request, reference: str):
    """Add a risk assessment."""
    case = case_or_404(request, reference, writing=True)
    form = RiskForm(request.POST or None)

    def action() -> str:
        data = form.cleaned_data
        assess_risk(
            case=case,
            level=data["level"],
            source=RiskSource.REVIEW,
            reason=data["reason"],
            by=request.user,
            now=now(),
        )
        messages.success(request, _("The risk level is saved."))
        return reverse("case-detail", args=[case.reference])

    return submit(request, form, purpose=f"risk:{case.pk}", action=action) or render(
        request,
        "beneficiaries/risk_assess.html",
        {"form": form, "case": case, "file": file_of(case, request.user)},
    )
