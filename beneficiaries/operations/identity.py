"""Record and correct the identity documents of a beneficiary."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from functools import partial
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from beneficiaries import identity, rules
from beneficiaries.choices import WITH_IDENTITY, IdentityKind, IdentityState
from beneficiaries.models import Beneficiary, IdentityDocument, IdentityDocumentChange
from beneficiaries.operations.correction import (
    ChangedMeanwhile,
    apply_correction,
    corrected_columns,
    keep_former,
)
from core import audit, days, names


@dataclass(frozen=True)
class IdentityDetails:
    """What is known about an identity document. The district by id; days in AD."""

    state: str
    number: str = ""
    issued_district_id: UUID | None = None
    issued_on: date | None = None
    expires_on: date | None = None
    kept_by: str = ""

    @classmethod
    def of(cls, row: IdentityDocument) -> "IdentityDetails":
        """Return the details of a document as it is recorded."""
        return cls(**{field.name: getattr(row, field.name) for field in fields(cls)})


@transaction.atomic
def record_identity_document(
    *,
    beneficiary: Beneficiary,
    kind: str,
    details: IdentityDetails,
    version: int = 0,
    reason: str = "",
    keep: Collection[str] = (),
    by,
    now: datetime,
) -> IdentityDocument:
    """Save what is known about one kind of document: for the first time with `version` 0, else as a correction.

    `version`: of the document that the user read; `ChangedMeanwhile` where it has another one by now. `keep` as in
    `correct_beneficiary`. The beneficiary's row is locked, so that none is saved while they are erased.
    """
    owners = Beneficiary.objects.editable_by(by).select_for_update()
    owner = owners.filter(pk=beneficiary.pk, erased_on=None).first()
    if owner is None:
        raise PermissionDenied
    documents = IdentityDocument.objects.editable_by(by)
    row = documents.filter(beneficiary=owner, kind=kind).first()
    found = IdentityDocument(beneficiary=owner, kind=kind, version=0) if row is None else row
    if found.version != version:
        raise ChangedMeanwhile(found)
    values = asdict(details) | {"number": names.tidy(details.number), "kept_by": names.tidy(details.kept_by)}
    changed = apply_correction(found, values, keep=keep, reason=reason)
    if row is None:
        found.recorded_by, found.recorded_at = by, now
    found.clean_fields(exclude=["beneficiary", "recorded_by"])
    _check(found, now.date())
    if row is None:
        found.save(force_insert=True)
        audit.record(by=by, verb="identity document added", obj=found, now=now, detail={"kind": kind})
        return found
    found.save(update_fields=[*corrected_columns(changed), "version"])
    change = partial(IdentityDocumentChange, document=found)
    keep_former(found, changed, change, verb="identity document corrected", reason=reason, by=by, now=now)
    return found


def _check(row: IdentityDocument, today: date) -> None:
    """Raise ValidationError, at the field, where the details can't be true together."""
    problems = {
        "number": identity.problem(row.number),
        "state": _state_problem(row),
        "kept_by": row.kept_by
        and row.state != IdentityState.KEPT
        and _("Choose “Somebody else keeps it”, or leave this empty."),
        "issued_on": row.issued_on
        and days.record_problem(
            row.issued_on, today=today, follows=[(row.beneficiary.birth_on, rules.BEFORE_BIRTH)]
        ),
        "expires_on": row.expires_on and _expiry_problem(row, row.expires_on, today),
    }
    found = {name: problem for name, problem in problems.items() if problem}
    if found:
        raise ValidationError(found)


def _state_problem(row: IdentityDocument) -> str:
    """Return why there is a number, place or date although there is no document; "" where all is well."""
    is_filled = row.number or row.issued_district_id or row.issued_on or row.expires_on
    if row.state in WITH_IDENTITY or not is_filled:
        return ""
    return _("There is a number, place or date. Choose who has the document, or leave those fields empty.")


def _expiry_problem(row: IdentityDocument, expires_on: date, today: date) -> str:
    """Return why the document can't expire on this day; "" where it can."""
    if row.kind != IdentityKind.PASSPORT:
        return _("Only a passport expires.")
    if row.issued_on and expires_on <= row.issued_on:
        return _("It can’t expire before it was issued.")
    return days.range_problem(expires_on, today=today)
