"""The export of cases: who, where and how far; no narrative, no telephone."""

from collections.abc import Generator, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts.choices import Permission
from beneficiaries import rules
from beneficiaries.choices import CaseStatus, ConsentPurpose, Risk, Sex
from beneficiaries.exports.kinds import CHUNK, Kind
from beneficiaries.forms.case import CaseFilter
from beneficiaries.models import CaseAccess, Consent, Enrolment
from beneficiaries.queries.case_list import case_list
from core.spreadsheets import Cell
from geography.models import District


def columns() -> list[str]:
    """Return the column titles."""
    return [
        _("Reference"),
        _("Name"),
        _("Name in Devanagari"),
        _("Sex"),
        _("Age"),
        _("District"),
        _("Status"),
        _("Risk level"),
        _("Programmes"),
        _("Opened on"),
        _("Caseworker"),
    ]


def rows(user, organisation_id: UUID, filters: Mapping[str, str], on: date) -> QuerySet[CaseAccess]:
    """Return access rows of the organisation's own cases, of beneficiaries who consent to be helped and aren't erased.

    Cases that a single user opened in an emergency aren't the organisation's and are left out.
    """
    district = filters.get("district")
    agreed = Consent.objects.visible_to(user).filter(
        Q(until_on=None) | Q(until_on__gte=on),
        case=OuterRef("case_id"),
        purpose=ConsentPurpose.SERVICES,
        is_given=True,
        withdrawn_on=None,
    )
    return case_list(
        user,
        status=filters.get("status", ""),
        district_id=District.id_for(district) if district else None,
        find=filters.get("find", ""),
    ).filter(Exists(agreed), organisation_id=organisation_id, user=None, case__beneficiary__erased_on=None)


_PARTS = tuple(f"case__beneficiary__{part}_name" for part in ("first", "middle", "second"))
_SHOWN = (
    *("reference", "status", "risk", "district__name_en", "district__name_ne", "case__opened_on"),
    *("case__beneficiary__name_ne", "case__beneficiary__sex"),
    *("case__beneficiary__birth_on", "case__beneficiary__birth_precision"),
    *("caseworker__first_name", "caseworker__last_name", "programme_codes"),
    *_PARTS,
)


def cells(user, found: QuerySet[CaseAccess], on: date) -> Generator[list[Cell]]:
    """Yield the cells of each row, fetched in chunks."""
    enrolled = Enrolment.objects.visible_to(user).filter(case=OuterRef("case_id")).order_by("project__code")
    shown = found.annotate(programme_codes=ArraySubquery(enrolled.values("project__code")))
    words = {
        name: {code: str(label) for code, label in choices}
        for name, choices in (("sex", Sex.choices), ("status", CaseStatus.choices), ("risk", Risk.choices))
    }
    place = "district__name_ne" if get_language() == "ne" else "district__name_en"
    for row in shown.values(*_SHOWN).iterator(chunk_size=CHUNK):
        yield _cells_of(row, words, row[place] or row["district__name_en"], on)


def _cells_of(
    row: dict[str, Any], words: dict[str, dict[str, str]], district: str | None, on: date
) -> list[Cell]:
    return [
        row["reference"],
        " ".join(row[part] for part in _PARTS if row[part]),
        row["case__beneficiary__name_ne"],
        words["sex"].get(row["case__beneficiary__sex"], ""),
        _age(row, on),
        district or "",
        words["status"].get(row["status"], ""),
        words["risk"].get(row["risk"], ""),
        ", ".join(row["programme_codes"]),
        row["case__opened_on"].isoformat(),
        f"{row['caseworker__first_name'] or ''} {row['caseworker__last_name'] or ''}".strip(),
    ]


def _age(row: dict[str, Any], on: date) -> Cell:
    """Return the age as a number, in words where two are possible, or None where it isn't known."""
    birth, precision = row["case__beneficiary__birth_on"], row["case__beneficiary__birth_precision"]
    return rules.age_words(birth, precision, on) if birth else None


CASES = Kind(
    title=gettext_lazy("Cases"),
    opened_by=(Permission.READ_CASES,),
    filters=CaseFilter,
    columns=columns,
    rows=rows,
    cells=cells,
)
