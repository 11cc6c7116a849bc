"""Fields and codes of HTCDS 2.0, from `beneficiaries/data/htcds_fields.json`, which names its licence."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent.parent / "data" / "htcds_fields.json"


@dataclass(frozen=True)
class Field:
    """One field. `codes` maps the folded code and the folded label to the code; empty for free text."""

    name: str
    label: str
    type: str
    is_multi: bool
    codes: Mapping[str, str]

    def code_of(self, text: str) -> str | None:
        """Return the code for a code or label, whatever its case and spaces; None for an unknown one."""
        return self.codes.get(fold(text))


def fold(text: str) -> str:
    """Return the text without spaces, punctuation and differences of case."""
    return "".join(char for char in text.casefold() if char.isalnum())


@cache
def _standard() -> dict[str, Any]:
    return json.loads(DATA.read_text(encoding="utf-8"))


@cache
def fields() -> dict[str, Field]:
    """Return the fields that can be imported, by technical name."""
    return {
        row["field"]: Field(
            name=row["field"],
            label=row["label"],
            type=row["type"],
            is_multi=row["multi"],
            codes={
                fold(word): code for code, label in row.get("codes", {}).items() for word in (code, label)
            },
        )
        for row in _standard()["fields"]
    }


@cache
def _by_technical_name() -> dict[str, Field]:
    found = {name.casefold(): field for name, field in fields().items()}
    others = {name.casefold(): fields()[right] for name, right in _standard()["other_names"].items()}
    return found | others


@cache
def _by_label() -> dict[str, Field]:
    return {fold(field.label): field for field in fields().values()}


def named(text: str) -> Field | None:
    """Return the field with this technical name, or with a misspelling of it in IOM's own templates."""
    return _by_technical_name().get(text.strip().casefold())


def labelled(text: str) -> Field | None:
    """Return the field with this label."""
    return _by_label().get(fold(text))


def template_columns() -> list[str]:
    """Return the columns of IOM's Excel template, in order."""
    return _standard()["template_columns"]
