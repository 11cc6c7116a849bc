"""Notes of a case, and emergency openings."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.authority import authority_of
from accounts.choices import Permission
from beneficiaries.forms.case import EmergencyForm, NoteForm
from beneficiaries.operations.emergency import break_glass
from beneficiaries.operations.note import add_note
from beneficiaries.queries.case import case_by_reference
from beneficiaries.views.case import case_or_404
from core.clock import now
from core.pages import submit

METHODS = ["GET", "HEAD", "POST"]


@login_required
@require_http_methods(METHODS)
def note_add(request, reference: str):
    """Add a note."""
    case = case_or_404(request, reference, writing=True)
    form = NoteForm(request.POST or None)

    def action() -> str:
        data = form.cleaned_data
        add_note(
            case=case, text=data["text"], confidentiality=data["confidentiality"], by=request.user, now=now()
        )
        messages.success(request, _("The note is saved."))
        return reverse("case-detail", args=[case.reference])

    return submit(request, form, purpose=f"note:{case.pk}", action=action) or render(
        request, "beneficiaries/note_add.html", {"form": form, "case": case}
    )


@login_required
@require_http_methods(METHODS)
def emergency_open(request, reference: str = ""):
    """Open a case in an emergency. Notices link here; who may read the case already is redirected to it."""
    if not authority_of(request.user).may(Permission.BREAK_GLASS):
        raise PermissionDenied
    if case_by_reference(request.user, reference) is not None:
        return redirect("case-detail", reference)
    form = EmergencyForm(request.POST or None, initial={"reference": reference})

    def action() -> str:
        case = break_glass(
            typed=form.cleaned_data["reference"],
            reason=form.cleaned_data["reason"],
            by=request.user,
            now=now(),
        )
        messages.warning(request, _("The file is open to you for 60 minutes. Its organisation is notified."))
        return reverse("case-detail", args=[case.reference])

    return submit(request, form, purpose="emergency", action=action) or render(
        request, "beneficiaries/emergency_open.html", {"form": form}
    )
