"""What is true of each field of a record, said once beside its model."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import models

from core.access import Confidentiality

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class RecordField:
    """One field as people see it, which may be several columns.

    `confidentiality`: who may read it and its history. `needs_reason`: a correction says why; with `is_free_to_fill`
    only where the field wasn't empty. `is_corrected`: a page corrects it. `is_erased`: emptied when the beneficiary is
    erased; encrypted text becomes unreadable in any case.
    """

    label: "StrOrPromise"
    columns: tuple[str, ...]
    confidentiality: str = Confidentiality.NORMAL
    needs_reason: bool = False
    is_free_to_fill: bool = False
    is_corrected: bool = True
    is_erased: bool = False

    def values_of(self, row: models.Model) -> dict[str, Any]:
        """Return the columns with their values on this row."""
        return {column: getattr(row, column) for column in self.columns}


RecordFields = Mapping[str, RecordField]


def fields_of(model: type[models.Model]) -> RecordFields:
    """Return the table of fields of a model; `{}` where it has none."""
    return getattr(model, "record_fields", {})


def differing(
    row: models.Model, values: Mapping[str, Any]
) -> Iterator[tuple[str, RecordField, dict[str, Any]]]:
    """Yield each correctable field that differs between a row and new values of columns: name, field, former values."""
    for name, field in fields_of(type(row)).items():
        if not field.is_corrected or not values.keys() >= set(field.columns):
            continue
        former = field.values_of(row)
        if any(former[column] != values[column] for column in field.columns):
            yield name, field, former


def asks_reason(field: RecordField, former: Mapping[str, Any]) -> bool:
    """Return whether a correction of this field, from these values of its columns, has to say why."""
    return field.needs_reason and not (field.is_free_to_fill and not any(former.values()))
