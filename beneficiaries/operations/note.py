"""Add notes."""

from datetime import datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.authority import authority_of
from accounts.choices import Permission
from beneficiaries.choices import NoteKind
from beneficiaries.models import Case, CaseNote
from core import audit
from core.access import Confidentiality

NEEDED = {
    Confidentiality.RESTRICTED: Permission.READ_RESTRICTED,
    Confidentiality.COUNSELLING: Permission.READ_COUNSELLING,
}


def check_confidentiality(*, case: Case, confidentiality: str, by) -> None:
    """Raise ValidationError where `by` couldn't read again what they add; confidential rows are the lead's alone."""
    needed = NEEDED.get(Confidentiality(confidentiality))
    if needed and not authority_of(by).may(needed, case.lead_organisation_id):
        raise ValidationError({"confidentiality": _("You can only add what you are allowed to read.")})


@transaction.atomic
def add_note(
    *, case: Case, text: str, confidentiality: str, kind: str = NoteKind.NOTE, by, now: datetime
) -> CaseNote:
    """Add a note that its author may read again; a confidential one only in the lead organisation."""
    if not Case.objects.editable_by(by).filter(pk=case.pk).exists():
        raise PermissionDenied
    check_confidentiality(case=case, confidentiality=confidentiality, by=by)
    if not text.strip():
        raise ValidationError({"text": _("Write something.")})
    note = CaseNote(case=case, kind=kind, confidentiality=confidentiality, text=text, by=by, at=now)
    note.clean_fields(exclude=["case"])
    note.save(force_insert=True)
    audit.record(
        by=by,
        verb="note written",
        obj=note,
        case_id=case.pk,
        now=now,
        detail={"confidentiality": confidentiality},
    )
    return note
