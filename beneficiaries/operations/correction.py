"""Correcting a beneficiary's record and the situation, each with its history."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from django.utils.translation import gettext as _

from beneficiaries import rules
from beneficiaries.models import Beneficiary, BeneficiaryChange, Case, CaseChange, CaseFile
from beneficiaries.operations.intake import BeneficiaryDetails, Situation, checked_details, find_key
from core import audit, days
from core.record_fields import asks_reason, differing


class ChangedMeanwhile(ValidationError):
    """The record was corrected after the user had read it. `row`: the record as it is now, to choose from."""

    def __init__(self, row: models.Model) -> None:
        super().__init__(_("Somebody else corrected this while you were typing. Choose what is right."))
        self.row = row


@transaction.atomic
def correct_beneficiary(
    *,
    beneficiary: Beneficiary,
    details: BeneficiaryDetails,
    version: int,
    reason: str = "",
    keep: Collection[str] = (),
    by,
    now: datetime,
) -> Beneficiary:
    """Save corrected details, and each former value as a `BeneficiaryChange`.

    `version`: of the record that the user read; `ChangedMeanwhile` where it has another one by now. `keep`: names of
    fields that stay as they are, whatever `details` say. ValidationError where nothing differs, or where a reason is
    needed and missing.
    """
    records = Beneficiary.objects.editable_by(by).select_for_update()
    row = current_row(records.filter(pk=beneficiary.pk, erased_on=None), version)
    details = checked_details(details)
    problem = details.birth_on and days.birth_problem(details.birth_on, today=now.date())
    if problem:
        raise ValidationError({"birth": problem})
    if details.birth_on and details.birth_on > row.registered_on:
        raise ValidationError({"birth": _("The person was registered before this day.")})
    changed = apply_correction(row, asdict(details), keep=keep, reason=reason)
    row.find_key = find_key(row)
    row.clean_fields()
    row.save(update_fields=[*corrected_columns(changed), "find_key", "version"])
    change = partial(BeneficiaryChange, beneficiary=row)
    keep_former(row, changed, change, verb="beneficiary corrected", reason=reason, by=by, now=now)
    return row


@transaction.atomic
def correct_situation(
    *,
    case: Case,
    situation: Situation,
    version: int,
    reason: str = "",
    keep: Collection[str] = (),
    by,
    now: datetime,
) -> CaseFile:
    """Save a corrected situation, and each former value as a `CaseChange`; as `correct_beneficiary`.

    The risk level is assessed and not corrected, and a narrative that isn't for everyone is a note.
    """
    files = CaseFile.objects.editable_by(by).select_for_update(of=("self",))
    row = current_row(files.filter(case=case, case__beneficiary__erased_on=None), version)
    if rules.missing_primary(situation.groups, situation.primary_group):
        raise ValidationError({"primary_group": _("The main situation must be one of those chosen.")})
    changed = apply_correction(row, asdict(situation), keep=keep, reason=reason)
    row.clean_fields(exclude=["case", "caseworker"])
    row.save(update_fields=[*corrected_columns(changed), "version"])
    audit.update_and_record(Case.objects.editable_by(by).filter(pk=case.pk), changed_on=now.date())
    change = partial(CaseChange, case_id=row.case_id)
    keep_former(row, changed, change, verb="case file corrected", reason=reason, by=by, now=now)
    return row


def current_row(rows: models.QuerySet, version: int) -> Any:
    """Return the one row, which the queryset locks. Raises PermissionDenied, or `ChangedMeanwhile`."""
    row = rows.first()
    if row is None:
        raise PermissionDenied
    if row.version != version:
        raise ChangedMeanwhile(row)
    return row


def apply_correction(row: Any, values: Mapping[str, Any], *, keep: Collection[str], reason: str) -> list[Any]:
    """Set the differing columns and the next version on the row; return what `differing` found."""
    changed = [found for found in differing(row, values) if found[0] not in keep]
    if not changed:
        raise ValidationError(_("Nothing was changed."))
    if any(asks_reason(field, former) for _name, field, former in changed) and not reason.strip():
        raise ValidationError({"reason": _("Say why this is corrected.")})
    for _name, field, _former in changed:
        for column in field.columns:
            setattr(row, column, values[column])
    row.version += 1
    return changed


def corrected_columns(changed: list[Any]) -> list[str]:
    """Return the columns of the fields that `differing` found."""
    return [column for _name, field, _former in changed for column in field.columns]


def keep_former(
    row: Any,
    changed: list[Any],
    change: Callable[..., models.Model],
    *,
    verb: str,
    reason: str,
    by,
    now: datetime,
) -> None:
    """Add a change for each corrected field, and the audit event: names of fields, and no value."""
    for name, field, former in changed:
        change(
            field=name,
            former=former,
            confidentiality=field.confidentiality,
            reason=reason.strip(),
            version=row.version,
            by=by,
            at=now,
        ).save(force_insert=True)
    names = [name for name, _field, _former in changed]
    audit.record(
        by=by, verb=verb, obj=row, case_id=getattr(row, "case_id", None), now=now, detail={"fields": names}
    )
