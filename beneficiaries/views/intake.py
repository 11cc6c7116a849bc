"""The first interview, a page at a time. Consent comes first; of somebody who refuses nothing is kept."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.queries import authority_of
from beneficiaries import operations
from beneficiaries.forms import ConsentForm, PersonForm, SituationForm
from beneficiaries.models import IntakeDraft
from core.clock import now
from core.pages import lead, submit
from geography.models import District

METHODS = ["GET", "HEAD", "POST"]


def _draft(request, draft_id: UUID) -> IntakeDraft:
    draft = (
        IntakeDraft.objects.visible_to(request.user)
        .select_related("organisation")
        .filter(pk=draft_id)
        .first()
    )
    if draft is None:
        raise Http404
    return draft


@login_required
@require_http_methods(METHODS)
def intake_consent(request):
    if not authority_of(request.user).may("write_cases"):
        raise PermissionDenied
    form = ConsentForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid() and form.cleaned_data["agrees"] == "no":
        return render(request, "beneficiaries/intake_refused.html")

    def deed() -> str:
        draft = operations.start_draft(
            organisation=form.cleaned_data["organisation"], consent=form.consent(), by=request.user, now=now()
        )
        return reverse("beneficiaries:intake-person", args=[draft.pk])

    return submit(request, form, purpose="start_draft", deed=deed) or render(
        request, "beneficiaries/intake_consent.html", {"form": form, "step": 1}
    )


@login_required
@require_http_methods(METHODS)
def intake_person(request, draft_id: UUID):
    draft = _draft(request, draft_id)
    if draft.opened_reference:
        return lead(request, reverse("case-detail", args=[draft.opened_reference]))
    form = PersonForm(request.POST or None)

    def deed() -> str:
        operations.save_draft_person(draft=draft, person=form.person(), by=request.user, now=now())
        return reverse("beneficiaries:intake-situation", args=[draft.pk])

    return submit(request, form, purpose=f"save_person:{draft.pk}", deed=deed) or render(
        request,
        "beneficiaries/intake_person.html",
        {"form": form, "step": 2, "districts": District.objects.all()},
    )


@login_required
@require_http_methods(METHODS)
def intake_situation(request, draft_id: UUID):
    draft = _draft(request, draft_id)
    if draft.opened_reference:
        return lead(request, reverse("case-detail", args=[draft.opened_reference]))
    if not draft.person:
        return redirect("beneficiaries:intake-person", draft.pk)
    form = SituationForm(request.POST or None)

    def deed() -> str:
        reference = operations.open_case_from_draft(
            draft_id=draft.pk, situation=form.situation(), by=request.user, now=now()
        )
        messages.success(request, _("The case is open. Its reference is %s.") % reference)
        return reverse("case-detail", args=[reference])

    return submit(request, form, purpose=f"open_case:{draft.pk}", deed=deed) or render(
        request,
        "beneficiaries/intake_situation.html",
        {"form": form, "step": 3, "districts": District.objects.all()},
    )
