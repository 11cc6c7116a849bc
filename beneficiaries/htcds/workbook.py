"""Opening an HTCDS workbook without being harmed by it: which column is which field, and the filled rows.

Limits: 100 MB unpacked (a workbook of 1 MB can unpack to hundreds), 50,000 filled rows, 256 columns.
"""

import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

from beneficiaries.htcds import standard
from beneficiaries.htcds.standard import Field
from core import names

MOST_BYTES = 100_000_000
MOST_ROWS = 50_000
MOST_COLUMNS = 256
LAST_ROW_OF_A_SHEET = 1_048_576
HEADER_WITHIN = 10  # a title may stand above the names
FEWEST_NAMES = 3  # fewer known names make no header

Row = dict[int, Any]  # filled cells by place, the first column being 0
Numbered = tuple[int, Row]


class NotHtcds(ValueError):
    """The file can't be read as an HTCDS workbook; the message is one line for people."""


@dataclass(frozen=True)
class Table:
    """Filled rows by field name, each with the row number that a spreadsheet shows, and what is odd above them."""

    rows: list[tuple[int, dict[str, Any]]]
    remarks: list[str]


def read_workbook(path: Path) -> Table:
    """The first sheet whose header is HTCDS's; other sheets are not looked at."""
    _check_size(path)
    for rows in _sheets(path):
        header = next((place for place, row in enumerate(rows[:HEADER_WITHIN]) if _is_header(row[1])), None)
        if header is not None:
            return _table(rows[header][1], rows[header + 1 :])
    raise NotHtcds(
        _(
            "no sheet of this workbook has HTCDS names (prs_FirstName, con_Consent …) in its first %(rows)s rows"
        )
        % {"rows": HEADER_WITHIN}
    )


def _check_size(path: Path) -> None:
    """Look at the sizes that the archive states before unpacking any of it; it can't unpack to more."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except OSError as error:
        raise NotHtcds(_("can't be opened: %(why)s") % {"why": error.strerror or error}) from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise NotHtcds(_("is not an XLSX workbook, or is encrypted or damaged")) from error
    if size > MOST_BYTES:
        raise NotHtcds(
            _("unpacks to %(size)s MB; at most %(most)s MB are read")
            % {"size": size // 1_000_000, "most": MOST_BYTES // 1_000_000}
        )


def _sheets(path: Path) -> list[list[Numbered]]:
    """The filled rows of each sheet up to the first that has a header, with values as last calculated."""
    try:
        with warnings.catch_warnings(), path.open("rb") as file:  # openpyxl leaves a bad file open
            warnings.simplefilter("ignore")  # of drop-down lists and styles, which are not read
            book = load_workbook(file, read_only=True, data_only=True)
            found: list[list[Numbered]] = []
            for sheet in book.worksheets:
                found.append(_filled(sheet))
                if any(_is_header(row) for _number, row in found[-1][:HEADER_WITHIN]):
                    break
            return found
    except NotHtcds:
        raise
    except Exception as error:  # a damaged part raises whatever its reader stumbles over
        raise NotHtcds(_("is not an XLSX workbook, or is encrypted or damaged")) from error


def _filled(sheet) -> list[Numbered]:
    """Rows in which more stands than a row number in the first column."""
    rows: list[Numbered] = []
    cells = sheet.iter_rows(max_col=MOST_COLUMNS, max_row=LAST_ROW_OF_A_SHEET, values_only=True)
    for number, row in enumerate(cells, start=1):
        filled = {place: value for place, value in enumerate(row) if _is_filled(value)}
        if filled.keys() - {0} or isinstance(filled.get(0), str):
            rows.append((number, filled))
        if len(rows) > MOST_ROWS + HEADER_WITHIN:
            raise _too_many()
    return rows


def _too_many() -> NotHtcds:
    return NotHtcds(_("has more than %(most)s filled rows; divide it") % {"most": MOST_ROWS})


def _is_filled(value: object) -> bool:
    return value is not None and (not isinstance(value, str) or bool(names.tidy(value)))


def _is_header(row: Row) -> bool:
    return sum(standard.named(str(word)) is not None for word in row.values()) >= FEWEST_NAMES


def _is_label_row(row: Row) -> bool:
    """The template's second row: labels, in another order than the names for the mailing columns."""
    return sum(standard.labelled(str(word)) is not None for word in row.values()) * 2 > len(row)


def _table(names: Row, rows: list[Numbered]) -> Table:
    has_labels = bool(rows) and _is_label_row(rows[0][1])
    data = rows[1:] if has_labels else rows
    if len(data) > MOST_ROWS:
        raise _too_many()
    columns = _columns(names, rows[0][1] if has_labels else {})
    read = [
        (number, {field.name: row[place] for place, field in columns.items() if place in row})
        for number, row in data
    ]
    return Table(
        [(number, cells) for number, cells in read if cells],
        [*_unknown(names, columns, data), *_missing(columns)],
    )


def _columns(names: Row, labels: Row) -> dict[int, Field]:
    """The field of each column: its technical name decides, its label only where it has no name."""
    columns = {place: field for place, name in names.items() if (field := standard.named(str(name)))}
    taken = [field.name for field in columns.values()]
    twice = sorted({name for name in taken if taken.count(name) > 1})
    if twice:
        raise NotHtcds(_("names a column twice: %(names)s") % {"names": ", ".join(twice)})
    for place, label in labels.items():
        field = standard.labelled(str(label))
        if field and place not in names and field.name not in taken:
            columns[place] = field
            taken.append(field.name)
    return columns


def _unknown(names: Row, columns: dict[int, Field], data: list[Numbered]) -> list[str]:
    """Remarks on columns that are not kept: those with a name, and nameless ones that hold something."""
    held = {place for _number, row in data for place in row} - {0}
    return [
        _("column %(letter)s (%(name)s) is not one that is kept: its values are left out")
        % {"letter": get_column_letter(place + 1), "name": str(names.get(place, _("without a name")))[:60]}
        for place in sorted((names.keys() | held) - columns.keys())
    ]


def _missing(columns: dict[int, Field]) -> list[str]:
    there = {field.name for field in columns.values()}
    missing = [name for name in standard.template_columns() if name not in there]
    return [_("missing columns: %(names)s") % {"names": ", ".join(missing)}] if missing else []
