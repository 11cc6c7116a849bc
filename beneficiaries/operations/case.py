"""Close a case."""

from datetime import datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from beneficiaries import hooks
from beneficiaries.choices import CaseStatus
from beneficiaries.models import Case, CaseTransfer
from core import audit


class CaseNotClosable(ValidationError):
    """The case is closed already, is offered, or something is still owed."""


@transaction.atomic
def close_case(*, case: Case, by, now: datetime) -> Case:
    """Close a case today. Raises CaseNotClosable; a hook of a higher app may refuse too."""
    case = Case.objects.editable_by(by).select_for_update().filter(pk=case.pk).first()
    if case is None:
        raise PermissionDenied
    if case.status == CaseStatus.CLOSED:
        raise CaseNotClosable(_("The case is already closed."))
    if CaseTransfer.objects.visible_to(by).running().filter(case=case).exists():
        raise CaseNotClosable(
            _("A transfer of this case is offered to another organisation. Withdraw the offer first.")
        )
    for hook in hooks.case_closing:
        hook(case=case, by=by, now=now)
    case.status, case.closed_on, case.changed_on = CaseStatus.CLOSED, now.date(), now.date()
    case.version += 1
    case.save(update_fields=["status", "closed_on", "changed_on", "version"])
    audit.record(by=by, verb="case closed", obj=case, case_id=case.pk, now=now)
    return case
