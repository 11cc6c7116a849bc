"""Consent to share, its withdrawal, and closing a case."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from beneficiaries.choices import ConsentPurpose
from beneficiaries.forms.case import EmptyForm
from beneficiaries.forms.interview import SharingForm
from beneficiaries.models import Consent
from beneficiaries.operations.case import close_case
from beneficiaries.operations.consent import record_consent, withdraw_consent
from beneficiaries.queries import organisation
from beneficiaries.views.case import METHODS, case_or_404, led_or_refused
from core.clock import now
from core.pages import submit


def answer_of(form: SharingForm) -> dict[str, Any]:
    """Return the answer to a consent form, as arguments of the operations that ask and then share."""
    data = form.cleaned_data
    return {
        "agrees": data["agrees"] == "yes",
        "given_by": data["given_by"],
        "why_nobody_asked": data["reason"],
        "how": data["how"],
    }


@login_required
@require_http_methods(METHODS)
def consent_share(request, reference: str):
    """Record the answer to sharing the file with IOM."""
    case = led_or_refused(request, reference)
    form, iom = SharingForm(request.POST or None), organisation.iom()

    def action() -> str:
        data = form.cleaned_data
        record_consent(
            case=case,
            purpose=ConsentPurpose.SHARING,
            organisation=iom,
            is_given=data["agrees"] == "yes",
            given_by=data["given_by"],
            how=data["how"],
            reason=data["reason"],
            by=request.user,
            now=now(),
        )
        messages.success(request, _("The answer is saved."))
        return reverse("case-detail", args=[case.reference])

    return submit(request, form, purpose=f"share:{case.pk}", action=action) or render(
        request, "beneficiaries/consent_share.html", {"form": form, "case": case, "organisation": iom}
    )


@login_required
@require_http_methods(METHODS)
def consent_withdraw(request, reference: str, consent_id: UUID):
    """Withdraw a consent; not the one to be helped."""
    case = led_or_refused(request, reference)
    consent = (
        Consent.objects.visible_to(request.user)
        .select_related("organisation")
        .filter(pk=consent_id, case=case, withdrawn_on=None)
        .exclude(purpose=ConsentPurpose.SERVICES)
        .first()
    )
    if consent is None:
        raise Http404
    form = EmptyForm(request.POST or None)

    def action() -> str:
        withdraw_consent(consent=consent, by=request.user, now=now())
        messages.success(request, _("The consent is withdrawn. The access that it gave has ended."))
        return reverse("case-detail", args=[case.reference])

    return submit(request, form, purpose=f"withdraw:{consent.pk}", action=action) or render(
        request, "beneficiaries/consent_withdraw.html", {"form": form, "case": case, "consent": consent}
    )


@login_required
@require_http_methods(METHODS)
def case_close(request, reference: str):
    """Close a case."""
    case = case_or_404(request, reference, writing=True)
    form = EmptyForm(request.POST or None)

    def action() -> str:
        close_case(case=case, by=request.user, now=now())
        messages.success(request, _("The case is closed."))
        return reverse("case-detail", args=[case.reference])

    return submit(request, form, purpose=f"close:{case.pk}", action=action) or render(
        request, "beneficiaries/case_close.html", {"form": form, "case": case}
    )
