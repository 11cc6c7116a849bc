"""Agree and correct a reintegration plan."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from beneficiaries.models import Enrolment
from beneficiaries.views.case import METHODS, case_or_404
from beneficiaries.views.correction import corrected, correction_page, refuse_erased
from core.clock import now
from core.pages import submit
from reintegration.forms import PlanCorrectionForm, PlanForm
from reintegration.models import Plan
from reintegration.operations.plan import agree_plan, correct_plan


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def plan_agree(request, reference: str, code: str):
    """Agree a plan for an enrolment."""
    case = case_or_404(request, reference, writing=True)
    enrolment = (
        Enrolment.objects.visible_to(request.user)
        .select_related("project")
        .filter(case=case, project__code=code)
        .first()
    )
    if enrolment is None:
        raise Http404
    form = PlanForm(request.POST or None, initial={"agreed_on": now().date()})

    def action() -> str:
        data = form.cleaned_data
        agree_plan(
            enrolment=enrolment,
            livelihood=data["livelihood"],
            goal=data["goal"],
            steps=data["steps"],
            agreed_on=data["agreed_on"],
            by=request.user,
            now=now(),
        )
        messages.success(request, _("The plan is saved."))
        return reverse("case-detail", args=[case.reference])

    return submit(request, form, purpose=f"plan:{enrolment.pk}", action=action) or render(
        request, "reintegration/plan_agree.html", {"form": form, "case": case, "project": enrolment.project}
    )


@login_required
@require_http_methods(METHODS)
def plan_correct(request: HttpRequest, reference: str, plan_id: UUID) -> HttpResponse:
    """Correct a plan, as somebody who works on the case."""
    case = case_or_404(request, reference, writing=True)
    refuse_erased(case)
    row = Plan.objects.visible_to(request.user).filter(pk=plan_id, case=case).first()
    if row is None:
        raise Http404
    form = PlanCorrectionForm(request.POST or None, row=row)

    def save() -> None:
        correct_plan(plan=row, **form.columns(), **form.correction(), by=request.user, now=now())

    return corrected(request, case, form, save, what="plan") or correction_page(
        request, case, form, _("Correct the plan")
    )
