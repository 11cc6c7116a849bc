"""Referrals: send, list, and answer."""

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
from accounts.choices import Permission
from beneficiaries.forms.case import AnswerForm, ReferralForm
from beneficiaries.models import Referral
from beneficiaries.operations.referral import answer_referral, ask_and_refer
from beneficiaries.queries.case import worked_on_case
from beneficiaries.queries.organisation import possible_receivers
from beneficiaries.queries.referral import items_of, referral_answers_open, shareable_items, shared_items
from beneficiaries.queries.transfer import transfers_for
from beneficiaries.views.case import led_or_refused
from beneficiaries.views.consent import answer_of
from core import audit
from core.clock import now
from core.pages import submit

METHODS = ["GET", "HEAD", "POST"]
SHOWN = 200


@login_required
@require_http_methods(METHODS)
def referral_send(request, reference: str):
    """Ask for consent, and send a referral."""
    case = led_or_refused(request, reference, Permission.REFER_CASES)
    shareable = shareable_items(case, request.user)
    form = ReferralForm(
        request.POST or None,
        receivers=possible_receivers(case),
        items={name: label for name, (label, _value) in shareable.items()},
    )

    def action() -> str:
        data = form.cleaned_data
        referral = ask_and_refer(
            case=case,
            receiver=data["receiver"],
            service=data["service"],
            reason=data["reason_for_referral"],
            items=shared_items(case, request.user, data["items"]),
            **answer_of(form),
            by=request.user,
            now=now(),
        )
        if referral is None:
            messages.success(request, _("The answer is saved. Nothing was sent."))
            return reverse("case-detail", args=[case.reference])
        messages.success(request, _("The referral is sent."))
        return reverse("beneficiaries:referral-detail", args=[referral.pk])

    return submit(request, form, purpose=f"refer:{case.pk}", action=action) or render(
        request, "beneficiaries/referral_send.html", {"form": form, "case": case}
    )


@login_required
@require_safe
def referral_list(request):
    """List referrals and running transfer offers."""
    if not authority_of(request.user).may("read_cases"):
        raise PermissionDenied
    referrals = list(Referral.objects.visible_to(request.user).select_related("receiver", "sent_by")[:SHOWN])
    offers = list(transfers_for(request.user).running()[:SHOWN])
    audit.read(request, verb="list read", detail={"count": len(referrals) + len(offers)})
    return render(request, "beneficiaries/referral_list.html", {"referrals": referrals, "offers": offers})


@login_required
@require_http_methods(METHODS)
def referral_detail(request, referral_id: UUID):
    """Show a referral with its items, and answer it."""
    referral = (
        Referral.objects.visible_to(request.user)
        .select_related("receiver", "sent_by", "answered_by")
        .filter(pk=referral_id)
        .first()
    )
    if referral is None:
        raise Http404
    audit.read(request, verb="referral read", obj=referral, case_id=referral.case_id)
    states = referral_answers_open(referral, request.user)
    if request.method == "POST" and not states:
        raise PermissionDenied
    form = AnswerForm(request.POST or None, states=states)

    def action() -> str:
        answer_referral(
            referral=referral,
            state=form.cleaned_data["state"],
            answer=form.cleaned_data["answer"],
            by=request.user,
            now=now(),
        )
        messages.success(request, _("The answer is saved."))
        return reverse("beneficiaries:referral-list")

    items, contact = items_of(referral, request.user)
    context = {
        "referral": referral,
        "items": items,
        "contact": contact,
        "form": form if states else None,
        "case": worked_on_case(referral.case_id, request.user),
    }
    return submit(request, form, purpose=f"answer:{referral.pk}", action=action) or render(
        request, "beneficiaries/referral_detail.html", context
    )
