"""What was corrected in a record, in words, for those who may read it."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from beneficiaries.models import Case, CaseChange, CaseFile, Consent, IdentityDocument
from core.bikram_sambat import as_said
from core.record_fields import fields_of
from projects.choices import TargetGroup
from projects.facts import COUNTRIES

_COUNTRIES = ("citizenship", "country_of_stay")


class Correction(NamedTuple):
    """One corrected field as the case file shows it."""

    label: str
    before: str
    after: str
    reason: str
    by: str
    at: datetime


class Overlap(NamedTuple):
    """A field that another user corrected after this one had read the record.

    `is_untouched`: this user left the field as they had read it.
    """

    name: str
    label: str
    saved: str
    typed: str
    by: str
    is_untouched: bool


def words_of(model: type[models.Model], name: str, values: Mapping[str, Any]) -> str:
    """Return the value of a field, given by its columns, in the language of the reader; "" where it is empty."""
    column, value = next(iter(values.items()), ("", None))
    if name == "birth":
        return as_said(str(values.get("birth_as_typed") or "")) or str(values.get("birth_on") or "")
    if not value:
        return ""
    if name == "groups":
        return ", ".join(str(TargetGroup(code).label) for code in value if code in TargetGroup.values)
    if name in _COUNTRIES:
        return str(COUNTRIES.get(value, ""))
    field = next((one for one in model._meta.concrete_fields if one.attname == column), None)
    if isinstance(field, models.ForeignKey):
        found = field.remote_field.model._default_manager.filter(pk=value).first()
        return str(found) if found else ""
    choices = TargetGroup.choices if name == "primary_group" else getattr(field, "flatchoices", ())
    words = str(dict(choices).get(value, value))
    return ": ".join(filter(None, (words, values.get("reason")))) if name == "given_by" else words


def corrections_of(
    case: Case,
    file: CaseFile,
    user,
    *,
    documents: Iterable[IdentityDocument] = (),
    consents: Iterable[Consent] = (),
    plans: Iterable[Any] = (),
    follow_ups: Iterable[Any] = (),
) -> list[Correction]:
    """Return what was corrected in the beneficiary's record, in the case file and in these rows, the newest first."""
    records: list[tuple[Any, str]] = [(case.beneficiary, ""), (file, "")]
    records += [(row, f"{row.get_kind_display()}: ") for row in documents]
    records += [
        (row, f"{row}: {row.organisation.name}: " if row.organisation else f"{row}: ") for row in consents
    ]
    records += [(row, f"{row.enrolment.project.name}: ") for row in plans]
    records += [(row, f"{row.label}: ") for row in follow_ups if row.done_on]
    found: list[Correction] = []
    for row, about in records:
        if row.version > 1:
            found += _corrections(row, _changes_of(row, user).select_related("by"), about=about)
    return sorted(found, key=lambda row: row.at, reverse=True)


def _corrections(row: models.Model, changes: Iterable[Any], about: str = "") -> list[Correction]:
    """Put beside each former value the one that followed it; `changes` come newest first. `about`: which row."""
    fields, found = fields_of(type(row)), []
    after: dict[str, Mapping[str, Any]] = {}
    for change in changes:
        field = fields.get(change.field)  # none for a field that the record no longer has
        now = field.values_of(row) if field else {}
        found.append(
            Correction(
                label=about + (str(field.label) if field else change.field),
                before=words_of(type(row), change.field, change.former),
                after=words_of(type(row), change.field, after.get(change.field, now)),
                reason=change.reason,
                by=change.by.name,
                at=change.at,
            )
        )
        after[change.field] = change.former
    return found


def overlaps(row: Any, typed: Mapping[str, Any], *, version: int, user) -> list[Overlap]:
    """Return the fields that others saved since `version`, beside what this user typed (by column).

    Since version 0, when there was no such document, these are all fields that are filled in.
    """
    since: dict[
        str, tuple[Mapping[str, Any], str]
    ] = {}  # by field: its value at `version`, and who saved last
    if version == 0 and isinstance(row, IdentityDocument):
        for name, field in row.record_fields.items():
            empty = field.values_of(IdentityDocument())
            if field.values_of(row) != empty:
                since[name] = (empty, row.recorded_by.name)
    changes = _changes_of(row, user).filter(version__gt=version)
    for change in changes.select_related("by").order_by("version"):
        former, _by = since.get(change.field, (change.former, ""))
        since[change.field] = (former, change.by.name)
    found = []
    for name, (former, by) in since.items():
        field = fields_of(type(row))[name]
        saved, mine = field.values_of(row), {column: typed[column] for column in field.columns}
        if _plain(saved) != _plain(mine):
            words = {"saved": words_of(type(row), name, saved), "typed": words_of(type(row), name, mine)}
            is_untouched = _plain(mine) == _plain(former)
            found.append(
                Overlap(name=name, label=str(field.label), by=by, is_untouched=is_untouched, **words)
            )
    return found


def _changes_of(row: Any, user) -> Any:
    """Return the changes of a record that the user may read."""
    if isinstance(row, CaseFile):
        return CaseChange.objects.visible_to(user).filter(case=row.case_id)
    return row.changes.visible_to(user)


def _plain(values: Mapping[str, Any]) -> Any:
    """Return values as they come back from an encrypted JSON column."""
    return json.loads(json.dumps(values, cls=DjangoJSONEncoder))
