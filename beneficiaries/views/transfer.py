"""Transfer a case to another organisation: offer, and answer."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.choices import Permission
from accounts.queries import holders
from beneficiaries.choices import TransferState
from beneficiaries.forms.case import TransferAnswerForm, TransferForm
from beneficiaries.operations.transfer import answer_transfer, ask_and_offer
from beneficiaries.queries.consent import shares_with
from beneficiaries.queries.organisation import possible_leads
from beneficiaries.queries.transfer import transfer_answers_open, transfers_for
from beneficiaries.views.case import led_or_refused
from beneficiaries.views.consent import answer_of
from core import audit
from core.clock import now
from core.pages import submit

METHODS = ["GET", "HEAD", "POST"]


@login_required
@require_http_methods(METHODS)
def transfer_offer(request, reference: str):
    """Ask for consent, and offer the case."""
    case = led_or_refused(request, reference, Permission.REFER_CASES)
    form = TransferForm(request.POST or None, receivers=possible_leads(case))

    def action() -> str:
        data = form.cleaned_data
        transfer = ask_and_offer(
            case=case,
            receiver=data["receiver"],
            reason=data["why"],
            **answer_of(form),
            by=request.user,
            now=now(),
        )
        if transfer is None:
            messages.success(request, _("The answer is saved. The case stays with you."))
            return reverse("case-detail", args=[case.reference])
        messages.success(
            request, _("The transfer is offered. The case stays with you until it is taken over.")
        )
        return reverse("beneficiaries:transfer-detail", args=[transfer.pk])

    return submit(request, form, purpose=f"transfer:{case.pk}", action=action) or render(
        request, "beneficiaries/transfer_offer.html", {"form": form, "case": case}
    )


@login_required
@require_http_methods(METHODS)
def transfer_detail(request, transfer_id: UUID):
    """Show an offer, and answer it."""
    transfer = (
        transfers_for(request.user)
        .select_related("offered_by", "answered_by", "caseworker")
        .filter(pk=transfer_id)
        .first()
    )
    if transfer is None:
        raise Http404
    audit.read(request, verb="offer read", obj=transfer, case_id=transfer.case_id)
    states = transfer_answers_open(transfer, request.user)
    if request.method == "POST" and not states:
        raise PermissionDenied
    form = TransferAnswerForm(
        request.POST or None,
        states=states,
        caseworkers=holders(Permission.WRITE_CASES, transfer.receiver_id),
    )

    def action() -> str:
        data = form.cleaned_data
        answer_transfer(
            transfer=transfer,
            state=data["state"],
            answer=data["answer"],
            caseworker=data.get("caseworker"),
            by=request.user,
            now=now(),
        )
        messages.success(request, _("The answer is saved."))
        if data["state"] == TransferState.ACCEPTED:
            return reverse("case-detail", args=[transfer.case.reference])
        return reverse("beneficiaries:referral-list")

    agrees = shares_with(transfer.case, transfer.receiver, request.user, on=now().date())
    context = {
        "transfer": transfer,
        "form": form if states else None,
        "button": states[0][1] if len(states) == 1 else _("Save the answer"),
        "is_void": states and not agrees,
    }
    return submit(request, form, purpose=f"transfer:{transfer.pk}", action=action) or render(
        request, "beneficiaries/transfer_detail.html", context
    )
