"""Due follow-ups, and recording them."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.authority import authority_of
from beneficiaries.contact import contact_of
from beneficiaries.views.case import METHODS, case_or_404
from beneficiaries.views.correction import corrected, correction_page, refuse_erased
from core import audit
from core.clock import now
from core.pages import submit
from reintegration import queries
from reintegration.forms import FollowUpCorrectionForm, FollowUpForm
from reintegration.models import FollowUp
from reintegration.operations.follow_up import correct_follow_up, record_follow_up

SHOWN = 200


@login_required
@require_safe
def follow_up_list(request):
    """List due follow-ups."""
    authority = authority_of(request.user)
    if not authority.may("read_cases"):
        raise PermissionDenied
    today = now().date()
    due = list(queries.follow_ups_due(request.user, on=today)[:SHOWN])
    audit.read(request, verb="list read", detail={"count": len(due)})
    return render(
        request,
        "reintegration/follow_up_list.html",
        {
            "follow_ups": due,
            "today": today,
            "may_write": authority.may("write_cases"),
        },
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def follow_up_record(request, follow_up_id: UUID):
    """Record a follow-up."""
    found = (
        FollowUp.objects.visible_to(request.user)
        .select_related("case__beneficiary", "project")
        .filter(pk=follow_up_id)
        .first()
    )
    if found is None:
        raise Http404
    if not FollowUp.objects.editable_by(request.user).filter(pk=found.pk).exists():
        raise PermissionDenied
    audit.read(request, verb="case file read", obj=found.case, case_id=found.case_id)
    beneficiary = found.case.beneficiary
    is_open = FollowUp.objects.editable_by(request.user).open().filter(pk=found.pk).exists()
    form = FollowUpForm(request.POST or None, initial={"done_on": now().date()})

    def action() -> str:
        saved = record_follow_up(follow_up=found, **form.visit(), by=request.user, now=now())
        following = queries.next_attempt(saved, request.user)
        messages.success(
            request,
            _("The follow-up is saved. The next attempt is due on %s.") % date_format(following.due_on)
            if following
            else _("The follow-up is saved."),
        )
        return reverse("case-detail", args=[found.case.reference])

    return submit(request, form, purpose=f"follow_up:{found.pk}", action=action) or render(
        request,
        "reintegration/follow_up_record.html",
        {
            "form": form if form.is_bound or is_open else None,
            "follow_up": found,
            "case": found.case,
            "contact": contact_of(safe_contact=beneficiary.safe_contact, phone=beneficiary.phone),
            "tried": queries.earlier_attempts(found, request.user),
        },
    )


@login_required
@require_http_methods(METHODS)
def follow_up_correct(request: HttpRequest, reference: str, visit_id: UUID) -> HttpResponse:
    """Correct a recorded follow-up, as somebody who works on the case."""
    case = case_or_404(request, reference, writing=True)
    refuse_erased(case)
    recorded = FollowUp.objects.visible_to(request.user).exclude(done_on=None)
    row = recorded.filter(pk=visit_id, case=case).first()
    if row is None:
        raise Http404
    form = FollowUpCorrectionForm(request.POST or None, row=row)

    def save() -> None:
        correct_follow_up(follow_up=row, **form.columns(), **form.correction(), by=request.user, now=now())

    return corrected(request, case, form, save, what="follow_up") or correction_page(
        request,
        case,
        form,
        _("Correct the follow-up"),
        template="reintegration/follow_up_correct.html",
        follow_up=row,
    )
