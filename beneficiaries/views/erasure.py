"""Erase a beneficiary."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.recent import recent_authentication
from beneficiaries.forms.case import ErasureForm
from beneficiaries.operations.erasure import erase_beneficiary
from beneficiaries.views.case import METHODS, case_or_404
from core.clock import now
from core.pages import submit


@login_required
@require_http_methods(METHODS)
@recent_authentication
def beneficiary_erase(request, reference: str):
    """Erase the beneficiary of a case, after the user has signed in again and typed the reference."""
    case = case_or_404(request, reference)
    if not case.may_erase:
        raise PermissionDenied
    form = ErasureForm(request.POST or None, of_case=case.reference)

    def action() -> str:
        erase_beneficiary(case=case, by=request.user, now=now())
        messages.success(request, _("The person's data are erased. Only data for statistics remain."))
        return reverse("case-detail", args=[case.reference])

    return submit(request, form, purpose=f"erase:{case.pk}", action=action) or render(
        request, "beneficiaries/beneficiary_erase.html", {"form": form, "case": case}
    )
