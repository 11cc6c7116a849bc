"""The first interview, page by page. Consent comes first; of somebody who refuses nothing is saved.

Each page is saved as it is left, valid or not, whether the user continues, goes back or stops, and opens again as it
was.
"""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.authority import authority_of
from beneficiaries.forms.interview import BeneficiaryForm, ConsentForm, PageForm, SituationForm
from beneficiaries.models import IntakeDraft
from beneficiaries.operations.draft import (
    discard_draft,
    keep_draft_page,
    open_case_from_draft,
    save_draft_beneficiary,
    save_draft_consent,
    start_draft,
)
from core.clock import now
from core.pages import redirect_after_action, submit
from geography.models import District

METHODS = ["GET", "HEAD", "POST"]
WAYS = ("back", "later", "keep")


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


def _address(page: str, draft: IntakeDraft) -> str:
    return reverse(f"beneficiaries:intake-{page}", args=[draft.pk])


def _redirect_elsewhere(request, draft: IntakeDraft, page: str) -> HttpResponse | None:
    """Return a redirect where this page can't be filled in now: to the opened case, or to an earlier page."""
    if draft.opened_reference:
        return redirect_after_action(request, reverse("case-detail", args=[draft.opened_reference]))
    if draft.refused_at and page != "consent-change":
        return HttpResponseRedirect(_address("consent-change", draft))
    if page == "situation" and not draft.details:
        return HttpResponseRedirect(_address("beneficiary", draft))
    return None


def _leave(request, form: PageForm, draft: IntakeDraft, page: str) -> HttpResponse | None:
    """Save the page if it was left by a button or closed; return the response, or None where it is to be submitted."""
    way = request.POST.get("go")
    if request.method != "POST" or way not in WAYS or not _keep(request, form, draft, page):
        return None
    if way == "keep":
        return HttpResponse(status=204)
    if way == "later":
        messages.success(
            request, _("The interview is saved. You find it under “Today” until you continue it.")
        )
        return HttpResponseRedirect(reverse("dashboard"))
    before = {"beneficiary": "consent-change", "situation": "beneficiary"}[page]
    return HttpResponseRedirect(_address(before, draft))


def _keep(request, form: PageForm, draft: IntakeDraft, page: str) -> bool:
    """Save the page as it is; return False, with the errors on the form, where that is refused."""
    form.is_valid()  # so that an error can be added
    try:
        keep_draft_page(
            draft=draft,
            page=page,
            typed=form.typed(),
            may_be_at_risk=form.says_at_risk(),
            by=request.user,
            now=now(),
        )
    except ValidationError as error:
        form.add_refusal(error)
        return False
    return True


def _saved(form: PageForm, save: Callable[[], str]) -> HttpResponse | None:
    """Save a valid page and return the redirect; None where the form or the operation refuses it."""
    if not form.is_valid():
        return None
    try:
        with transaction.atomic():
            return HttpResponseRedirect(save())
    except ValidationError as error:
        form.add_refusal(error)
    return None


def _page(request, form: PageForm, draft: IntakeDraft, *, page: str, step: int) -> HttpResponse:
    """Show a page of the interview. Invalid input is saved too."""
    if form.is_bound and request.POST.get("go") not in WAYS:
        _keep(request, form, draft, page)
    context = {"form": form, "step": step, "draft": draft, "districts": District.objects.all()}
    template = {
        "beneficiary": "beneficiaries/intake_beneficiary.html",
        "situation": "beneficiaries/intake_situation.html",
    }[page]
    return render(request, template, context)


@login_required
@require_http_methods(METHODS)
def intake_consent(request):
    """The first page: ask for consent, and start an interview."""
    if not authority_of(request.user).may("write_cases"):
        raise PermissionDenied
    form = ConsentForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid() and form.cleaned_data["agrees"] == "no":
        return render(request, "beneficiaries/intake_refused.html")

    def action() -> str:
        draft = start_draft(
            organisation=form.cleaned_data["organisation"],
            consent=form.consent(),
            typed=form.typed(),
            by=request.user,
            now=now(),
        )
        return _address("beneficiary", draft)

    return submit(request, form, purpose="start_draft", action=action) or render(
        request, "beneficiaries/intake_consent.html", {"form": form, "step": 1}
    )


@login_required
@require_http_methods(METHODS)
def intake_consent_change(request, draft_id: UUID):
    """The first page again, to change the answer."""
    draft = _draft(request, draft_id)
    if away := _redirect_elsewhere(request, draft, "consent-change"):
        return away
    form = ConsentForm(
        request.POST or None, user=request.user, initial=draft.page("consent"), of_draft=draft.organisation
    )
    if form.is_bound and form.is_valid() and form.cleaned_data["agrees"] == "no":
        is_gone = discard_draft(draft=draft, by=request.user, now=now())
        return render(request, "beneficiaries/intake_refused.html", {"waits": not is_gone})

    def save() -> str:
        save_draft_consent(
            draft=draft, consent=form.consent(), typed=form.typed(), by=request.user, now=now()
        )
        return _address("beneficiary", draft)

    return (form.is_bound and _saved(form, save)) or render(
        request, "beneficiaries/intake_consent.html", {"form": form, "step": 1, "draft": draft}
    )


@login_required
@require_http_methods(METHODS)
def intake_beneficiary(request, draft_id: UUID):
    """The second page: the beneficiary."""
    draft = _draft(request, draft_id)
    if away := _redirect_elsewhere(request, draft, "beneficiary"):
        return away
    form = BeneficiaryForm(request.POST or None, initial=draft.page("beneficiary"))
    if left := _leave(request, form, draft, "beneficiary"):
        return left

    def save() -> str:
        save_draft_beneficiary(
            draft=draft,
            details=form.details(),
            typed=form.typed(),
            may_be_at_risk=form.says_at_risk(),
            by=request.user,
            now=now(),
        )
        return _address("situation", draft)

    return (form.is_bound and _saved(form, save)) or _page(request, form, draft, page="beneficiary", step=2)


@login_required
@require_http_methods(METHODS)
def intake_situation(request, draft_id: UUID):
    """The third page: the situation. It opens the case."""
    draft = _draft(request, draft_id)
    if away := _redirect_elsewhere(request, draft, "situation"):
        return away
    form = SituationForm(request.POST or None, initial=draft.page("situation"))
    if left := _leave(request, form, draft, "situation"):
        return left

    def action() -> str:
        reference = open_case_from_draft(
            draft_id=draft.pk, situation=form.situation(), by=request.user, now=now()
        )
        messages.success(request, _("The case is open. Its reference is %s.") % reference)
        return reverse("case-detail", args=[reference])

    return submit(request, form, purpose=f"open_case:{draft.pk}", action=action) or _page(
        request, form, draft, page="situation", step=3
    )
