"""Loading the places from the data files."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from core import audit
from geography.models import Country, District, LocalLevel, Place, Province

DATA = Path(__file__).resolve().parent / "data"
KINDS = {
    "metropolitan city": LocalLevel.Kind.METROPOLITAN,
    "sub-metropolitan city": LocalLevel.Kind.SUB_METROPOLITAN,
    "municipality": LocalLevel.Kind.MUNICIPALITY,
    "rural municipality": LocalLevel.Kind.RURAL_MUNICIPALITY,
}


@transaction.atomic
def load_geography(*, by=None, now: datetime | None = None) -> dict[str, int]:
    """Update the places from the data files and return how many rows were written of each kind.

    A second run writes nothing, not even an audit event. A place that is no longer in the files stays, as other rows
    may refer to it. `by=None` is the system itself; a caller that acts for a user must check that they may configure.
    """
    nepal = json.loads((DATA / "nepal_admin.json").read_text(encoding="utf-8"))
    countries = json.loads((DATA / "countries.json").read_text(encoding="utf-8"))
    written = {
        "provinces": _update(Province, map(_province, nepal["provinces"])),
        "districts": _update(District, map(_district, nepal["districts"])),
        "local_levels": _update(LocalLevel, map(_local_level, nepal["local_levels"])),
        "countries": _update(Country, map(_country, countries)),
    }
    if any(written.values()):
        audit.record(by=by, verb="geography loaded", now=now, detail=written)
    return written


def _province(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"code": row["code"], "name_en": row["name_en"], "name_ne": row["name_ne"]}


def _district(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "code": row["code"],
        "name_en": row["name_en"],
        "name_ne": row["name_ne"],
        "province_id": Province.id_for(row["province_code"]),
        "aliases": row["aliases_en"] + row["aliases_ne"],
    }


def _local_level(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "code": row["code"],
        "name_en": row["name_en"],
        "name_ne": row["name_ne"],
        "district_id": District.id_for(row["district_code"]),
        "kind": KINDS[row["type"]].value,
        "wards": row["wards"],
        "aliases": row["aliases_en"] + row["aliases_ne"],
    }


def _country(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "code": row["alpha2"],
        "alpha3": row["alpha3"],
        "name_en": row["name_en"],
        "name_ne": row["name_ne"],
    }


def _update(model: type[Place], wanted: Iterable[dict[str, Any]]) -> int:
    """Add the missing rows, change those that differ, and return how many were written."""
    known = {row.code: row for row in model._default_manager.all()}
    added, changed = [], []
    fields: set[str] = set()
    for values in wanted:
        row = known.get(values["code"])
        if row is None:
            added.append(model(id=model.id_for(values["code"]), **values))
            continue
        differing = {name for name, value in values.items() if getattr(row, name) != value}
        if differing:
            for name in differing:
                setattr(row, name, values[name])
            changed.append(row)
            fields |= differing
    model._default_manager.bulk_create(added)
    if changed:
        model._default_manager.bulk_update(changed, sorted(name.removesuffix("_id") for name in fields))
    return len(added) + len(changed)
