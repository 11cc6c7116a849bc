"""Read a workbook in a limited process (`core.limited`): whatever openpyxl does there, this process stays as it is."""

import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from beneficiaries.htcds.bounds import NotHtcds
from beneficiaries.htcds.cell import UNCALCULATED
from beneficiaries.htcds.workbook import Table
from core import limited

# 50,000 rows of 30 filled columns, the largest workbook that isn't refused, take 27 s and 500 MB.
MEMORY = 1536 * 1024 * 1024  # bytes
SECONDS = 120  # of processor time
LONGEST = 300  # seconds of real time
_KINDS: dict[str, Callable[[Any], Any]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": lambda seconds: timedelta(seconds=seconds),
    "uncalculated": lambda _value: UNCALCULATED,
}


def read_workbook(path: Path) -> Table:
    """Return the first visible sheet with an HTCDS header; remarks name the other sheets with content."""
    words = str(path.resolve()), get_language() or "en"
    try:
        answer = limited.run(
            "beneficiaries.htcds.process",
            *words,
            data=b"",
            memory=MEMORY,
            seconds=SECONDS,
            longest=LONGEST,
        )
    except limited.LimitReached as error:
        raise NotHtcds(
            _("takes too long or too much memory to read; divide it, or copy its rows into a new workbook")
        ) from error
    found = json.loads(answer)
    if "refused" in found:
        raise NotHtcds(found["refused"])
    rows = [
        (number, {name: _decoded(value) for name, value in cells.items()}) for number, cells in found["rows"]
    ]
    return Table(rows, found["remarks"])


def encoded(table: Table) -> bytes:
    """Return the table as JSON, a value that JSON doesn't have as a list with its kind.

    In UTF-8, as an escaped Devanagari letter takes twice the memory of the importing process, which has no limit.
    """
    table_json = json.dumps(
        {"rows": table.rows, "remarks": table.remarks}, default=_with_kind, ensure_ascii=False
    )
    return table_json.encode("utf-8", "surrogatepass")  # as json.loads reads it; a row with one is refused


def _with_kind(value: Any) -> list[Any]:
    if value is UNCALCULATED:
        return ["uncalculated", None]
    if isinstance(value, timedelta):
        return ["timedelta", value.total_seconds()]
    return [type(value).__name__, value.isoformat()]


def _decoded(value: Any) -> Any:
    return _KINDS[value[0]](value[1]) if isinstance(value, list) else value
