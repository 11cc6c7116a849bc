"""Correcting a beneficiary's record, their identity documents and the situation of a case."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from beneficiaries.choices import IdentityKind
from beneficiaries.forms.correction import (
    BeneficiaryCorrectionForm,
    ConsentCorrectionForm,
    CorrectionForm,
    SituationCorrectionForm,
)
from beneficiaries.forms.identity import IdentityDocumentForm
from beneficiaries.history import overlaps
from beneficiaries.models import Case, Consent, IdentityDocument
from beneficiaries.operations.consent import correct_consent
from beneficiaries.operations.correction import correct_beneficiary, correct_situation
from beneficiaries.operations.identity import record_identity_document
from beneficiaries.queries.case import file_of
from beneficiaries.queries.identity import identity_documents_of
from beneficiaries.views.case import METHODS, case_or_404, led_or_refused
from core.clock import now
from core.pages import submit
from geography.models import District


@login_required
@require_http_methods(METHODS)
def beneficiary_correct(request: HttpRequest, reference: str) -> HttpResponse:
    """Correct who the person is and how they are reached, as the lead organisation."""
    case = led_or_refused(request, reference)
    row = case.beneficiary
    refuse_erased(case)
    form = BeneficiaryCorrectionForm(request.POST or None, row=row)

    def save() -> None:
        correct_beneficiary(
            beneficiary=row,
            details=form.details(),
            **form.correction(),
            by=request.user,
            now=now(),
        )

    return corrected(request, case, form, save, what="details") or correction_page(
        request, case, form, _("Correct the person’s details")
    )


@login_required
@require_http_methods(METHODS)
def situation_correct(request: HttpRequest, reference: str) -> HttpResponse:
    """Correct the situation, as somebody who works on the case."""
    case = case_or_404(request, reference, writing=True)
    refuse_erased(case)
    row = file_of(case, request.user)
    form = SituationCorrectionForm(request.POST or None, row=row)

    def save() -> None:
        correct_situation(
            case=case,
            situation=form.situation(),
            **form.correction(),
            by=request.user,
            now=now(),
        )

    return corrected(request, case, form, save, what="situation") or correction_page(
        request, case, form, _("Correct the situation")
    )


@login_required
@require_http_methods(METHODS)
def identity_document(request: HttpRequest, reference: str, identity_kind: str) -> HttpResponse:
    """Record or correct what is known about one kind of identity document, as the lead organisation."""
    case = led_or_refused(request, reference)
    if identity_kind not in IdentityKind.values:
        raise Http404
    refuse_erased(case)
    known = {row.kind: row for row in identity_documents_of(case, request.user)}
    unknown = IdentityDocument(beneficiary=case.beneficiary, kind=identity_kind, version=0)
    row = known.get(identity_kind, unknown)
    form = IdentityDocumentForm(request.POST or None, row=row)

    def save() -> None:
        record_identity_document(
            beneficiary=case.beneficiary,
            kind=identity_kind,
            details=form.details(),
            **form.correction(),
            by=request.user,
            now=now(),
        )

    done = _("The identity document is saved.")
    return corrected(request, case, form, save, what="identity", done=done) or correction_page(
        request, case, form, row.get_kind_display(), is_new=row.version == 0
    )


@login_required
@require_http_methods(METHODS)
def consent_correct(request: HttpRequest, reference: str, consent_id: UUID) -> HttpResponse:
    """Correct what was recorded about an answer on consent, as the lead organisation; also of one that ended."""
    case = led_or_refused(request, reference)
    refuse_erased(case)
    rows = Consent.objects.visible_to(request.user).select_related("organisation")
    row = rows.filter(pk=consent_id, case=case).first()
    if row is None:
        raise Http404
    form = ConsentCorrectionForm(request.POST or None, row=row)

    def save() -> None:
        correct_consent(
            consent=row,
            answer=form.answer(),
            **form.correction(),
            by=request.user,
            now=now(),
        )

    return corrected(request, case, form, save, what="consent") or correction_page(
        request,
        case,
        form,
        _("Correct this consent"),
        template="beneficiaries/consent_correct.html",
        consent=row,
    )


def refuse_erased(case: Case) -> None:
    """Nothing is left to correct once the person's data are erased."""
    if case.beneficiary.erased_on is not None:
        raise PermissionDenied


def corrected(
    request: HttpRequest,
    case: Case,
    form: CorrectionForm,
    save: Callable[[], None],
    *,
    what: str,
    done: str = "",
) -> HttpResponse | None:
    """Carry out the correction and go back to the case; None where the page is shown again. `done`: what is said."""

    def action() -> str:
        save()
        messages.success(request, done or _("The correction is saved."))
        return reverse("case-detail", args=[case.reference])

    return submit(request, form, purpose=f"correct_{what}:{case.pk}", action=action)


def correction_page(
    request: HttpRequest,
    case: Case,
    form: CorrectionForm,
    title: str,
    *,
    template: str = "beneficiaries/record_correct.html",
    **more: Any,
) -> HttpResponse:
    """Show the form; with both values where another user corrected a field meanwhile."""
    if form.overtaken_by is not None:
        version = form.cleaned_data["version"]
        form.ask_again(overlaps(form.overtaken_by, form.columns(), version=version, user=request.user))
    context = {"case": case, "form": form, "title": title, "districts": District.objects.all(), **more}
    return render(request, template, context)
