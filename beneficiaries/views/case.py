"""What every page of a case begins with: finding the case for its user."""

from django.core.exceptions import PermissionDenied
from django.http import Http404

from accounts.authority import authority_of
from accounts.choices import Permission
from beneficiaries.models import Case
from beneficiaries.queries.case import case_by_reference
from core import audit

METHODS = ["GET", "HEAD", "POST"]


def case_or_404(request, reference: str, *, writing: bool = False) -> Case:
    """Return the case if the user works on it, and put the reading on the audit log; else 404.

    403 where the page is for `writing` and the user may only read. Every page of a case calls this.
    """
    case = case_by_reference(request.user, reference)
    if case is None:
        raise Http404
    if writing and not Case.objects.editable_by(request.user).filter(pk=case.pk).exists():
        raise PermissionDenied
    audit.read(request, verb="case file read", obj=case, case_id=case.pk)
    return case


def led_or_refused(request, reference: str, permission: Permission | None = None) -> Case:
    """Return the case for a user of the lead organisation, with this permission there; else 403."""
    case = case_or_404(request, reference, writing=True)
    if not Case.objects.led_by(request.user).filter(pk=case.pk).exists():
        raise PermissionDenied
    if permission and not authority_of(request.user).may(permission, case.lead_organisation_id):
        raise PermissionDenied
    return case
