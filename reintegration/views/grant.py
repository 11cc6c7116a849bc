"""Grants: requested on a case file; endorsed, approved and paid by users with summary access."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.authority import authority_of
from beneficiaries.forms.case import EmptyForm
from beneficiaries.views.case import case_or_404
from core.clock import now
from core.pages import submit
from reintegration import queries, rules
from reintegration.forms import GrantForm, PaymentForm, RefusalForm
from reintegration.models import Grant, Plan
from reintegration.operations.grant import (
    approve_grant,
    endorse_grant,
    pay_instalment,
    refuse_grant,
    request_grant,
    withdraw_grant,
)

METHODS = ["GET", "HEAD", "POST"]
SHOWN = 200


@login_required
@require_safe
def grant_list(request):
    """List the grants that the user sees, and those that wait for them."""
    authority = authority_of(request.user)
    if not (authority.reads_summaries or authority.may("read_cases")):
        raise PermissionDenied
    grants = list(queries.grants_for(request.user).select_related("project__managed_by")[:SHOWN])
    waiting = [grant for grant in grants if rules.waits_for(actions_of(grant, request.user))]
    return render(
        request, "reintegration/grant_list.html", {"grants": grants, "waiting": waiting, "shown": SHOWN}
    )


def actions_of(grant: Grant, user) -> list[str]:
    """Return the actions that the user may do on a grant."""
    return rules.actions_for(
        state=grant.state,
        permissions=queries.grant_permissions(grant, user),
        user_id=user.pk,
        involved=queries.involved_in(grant),
    )


def _grant_or_404(request, grant_id: UUID) -> Grant:
    grant = (
        queries.grants_for(request.user)
        .select_related("project__managed_by")
        .annotate(is_worked_on=queries.worked_on(request.user))
        .filter(pk=grant_id)
        .first()
    )
    if grant is None:
        raise Http404
    return grant


@login_required
@require_safe
def grant_detail(request, grant_id: UUID):
    """Show a grant."""
    return _page(request, _grant_or_404(request, grant_id))


def _page(request, grant: Grant, **forms):
    actions = actions_of(grant, request.user)
    paid = queries.paid_so_far(grant, request.user)
    context = {
        "grant": grant,
        "actions": actions,
        "may_refuse": any(name.startswith("refuse") for name in actions),
        "instalments": queries.instalments_of(grant, request.user),
        "paid": paid,
        "left": grant.amount_npr - paid,
        "confirm": EmptyForm(),
        "refusal": RefusalForm(),
        "payment": PaymentForm(initial={"paid_on": now().date()}, left=grant.amount_npr - paid),
        "line_left": queries.left_for_grants(grant.project).get(grant.budget_line_id),
    }
    return render(request, "reintegration/grant_detail.html", context | forms)


@login_required
@require_http_methods(METHODS)
def grant_request(request, reference: str, plan_id: UUID):
    """Request a grant for a plan."""
    case = case_or_404(request, reference, writing=True)
    plan = (
        Plan.objects.visible_to(request.user)
        .select_related("enrolment__project")
        .filter(pk=plan_id, case=case)
        .first()
    )
    if plan is None or plan.enrolment.project.grant_ceiling_npr is None:
        raise Http404
    project = plan.enrolment.project
    left = queries.left_for_grants(project)
    form = GrantForm(request.POST or None, project=project, left=left)

    def action() -> str:
        request_grant(
            plan=plan,
            purpose=form.cleaned_data["purpose"],
            amount_npr=form.cleaned_data["amount_npr"],
            budget_line=form.cleaned_data["budget_line"],
            by=request.user,
            now=now(),
        )
        messages.success(request, _("The grant is requested. You will be notified of the decision."))
        return reverse("case-detail", args=[case.reference])

    return submit(request, form, purpose=f"grant:{plan.pk}", action=action) or render(
        request,
        "reintegration/grant_request.html",
        {"form": form, "case": case, "plan": plan, "project": project},
    )


def _decide(request, grant_id: UUID, form, name: str, action, done: str):
    """Do one action on a grant, from its page; errors are shown there."""
    grant = _grant_or_404(request, grant_id)

    def perform() -> str:
        action(grant)
        messages.success(request, done)
        return reverse("reintegration:grant-detail", args=[grant.pk])

    return submit(request, form, purpose=f"{name}:{grant.pk}", action=perform) or _page(
        request, grant, **{name: form}
    )


@login_required
@require_http_methods(["POST"])
def grant_endorse(request, grant_id: UUID):
    """Endorse a grant."""
    return _decide(
        request,
        grant_id,
        EmptyForm(request.POST),
        "confirm",
        lambda grant: endorse_grant(grant=grant, by=request.user, now=now()),
        _("The grant is endorsed."),
    )


@login_required
@require_http_methods(["POST"])
def grant_approve(request, grant_id: UUID):
    """Approve a grant."""
    return _decide(
        request,
        grant_id,
        EmptyForm(request.POST),
        "confirm",
        lambda grant: approve_grant(grant=grant, by=request.user, now=now()),
        _("The grant is approved."),
    )


@login_required
@require_http_methods(["POST"])
def grant_refuse(request, grant_id: UUID):
    """Refuse a grant."""
    form = RefusalForm(request.POST)
    return _decide(
        request,
        grant_id,
        form,
        "refusal",
        lambda grant: refuse_grant(
            grant=grant, reason=form.cleaned_data["refusal"], by=request.user, now=now()
        ),
        _("The grant is refused."),
    )


@login_required
@require_http_methods(["POST"])
def grant_withdraw(request, grant_id: UUID):
    """Withdraw a request for a grant."""
    return _decide(
        request,
        grant_id,
        EmptyForm(request.POST),
        "confirm",
        lambda grant: withdraw_grant(grant=grant, by=request.user, now=now()),
        _("The request is withdrawn."),
    )


@login_required
@require_http_methods(["POST"])
def grant_pay(request, grant_id: UUID):
    """Pay an instalment."""
    found = _grant_or_404(request, grant_id)
    form = PaymentForm(request.POST, left=found.amount_npr - queries.paid_so_far(found, request.user))
    return _decide(
        request,
        grant_id,
        form,
        "payment",
        lambda grant: pay_instalment(
            grant=grant,
            amount_npr=form.cleaned_data["amount_npr"],
            voucher=form.cleaned_data["voucher"],
            paid_on=form.cleaned_data["paid_on"],
            by=request.user,
            now=now(),
        ),
        _("The payment is saved and charged to the budget line."),
    )
