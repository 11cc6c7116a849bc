"""Erase a beneficiary for ever."""

from datetime import datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from beneficiaries.choices import CaseStatus
from beneficiaries.models import Case
from beneficiaries.queries.case import may_erase
from core import audit, data_keys


@transaction.atomic
def erase_beneficiary(*, case: Case, by, now: datetime) -> None:
    """Destroy what identifies the beneficiary and all encrypted text, in all their cases; aggregates stay.

    Raises ValidationError where a case is open. `access.erase_beneficiary` makes the change.
    """
    if not may_erase(case, by):
        raise PermissionDenied
    if (
        Case.objects.visible_to(by)
        .filter(beneficiary=case.beneficiary_id)
        .exclude(status=CaseStatus.CLOSED)
        .exists()
    ):
        raise ValidationError(_("This person has an open case. Close it first."))
    with connection.cursor() as cursor:
        cursor.execute("SELECT access.erase_beneficiary(%s)", [case.beneficiary_id])
        destroyed = cursor.fetchone()[0]
    data_keys.forget()
    audit.record(
        by=by, verb="beneficiary erased", obj=case, case_id=case.pk, now=now, detail={"count": destroyed}
    )
