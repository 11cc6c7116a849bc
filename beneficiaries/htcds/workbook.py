"""Open an untrusted HTCDS workbook: which column is which field, and the filled rows.

Hidden sheets and rows are left out, and a remark names them; other sheets and hidden columns are named too. Limits:
those of `bounds`, 50,000 filled rows, 256 columns.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from defusedxml.ElementTree import iterparse
from django.utils.translation import gettext as _
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.utils import column_index_from_string, get_column_letter
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from beneficiaries.htcds import standard
from beneficiaries.htcds.bounds import NotHtcds, check_bounds, damaged
from beneficiaries.htcds.cell import UNCALCULATED
from beneficiaries.htcds.standard import Field
from core import names

MOST_ROWS = 50_000
MOST_COLUMNS = 256
MOST_LETTERS = 20_000_000  # of all cells, 400 for each row; a shared text counts for each of its cells
LAST_ROW = 200_000  # empty rows included; formats can reach to the end of a sheet
HEADER_WITHIN = 10  # filled rows: there may be a title above the header …
HEADER_BEFORE = 1_000  # … and rows, empty ones included
FEWEST_NAMES = 3  # known names that a header has at least
MOST_SHOWN = 20  # row numbers in a remark

Row = dict[int, Any]  # filled cells by column index, from 0
Numbered = tuple[int, Row]


@dataclass(frozen=True)
class Table:
    """Filled rows by field name, each with the row number that a spreadsheet shows, and remarks on the sheet."""

    rows: list[tuple[int, dict[str, Any]]]
    remarks: list[str]


@dataclass
class Look:
    """What openpyxl ignores in a sheet. Rows count from 1, columns from 0.

    `cells` has values that openpyxl would lose: formulas that were never calculated, and times with a time zone.
    """

    last_row: int = 0
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    cells: dict[int, Row] = field(default_factory=dict)


class Sheet(ReadOnlyWorksheet):
    """A sheet that is only parsed when its rows are read."""

    def _get_size(self) -> None:
        """Do nothing: a sheet that states no size would be parsed to its end, hidden or not."""


class Reader(ExcelReader):
    """openpyxl's reader, reduced to what is needed: strings, date formats, cells. Its version is pinned."""

    def read(self) -> None:
        """Read the needed parts only."""
        self.read_manifest()
        self.read_strings()
        self.read_workbook()
        apply_stylesheet(self.archive, self.wb)
        self.read_worksheets()

    def read_worksheets(self) -> None:
        """Add the sheets in their order, without charts."""
        targets = set()
        for sheet, part in self.parser.find_sheets():
            if "chartsheet" in part.Type:
                continue
            if part.target in targets or part.target not in self.valid_files:
                raise damaged()
            targets.add(part.target)
            worksheet = Sheet(self.wb, sheet.name, part.target, self.shared_strings)
            worksheet.sheet_state = sheet.state
            self.wb._sheets.append(worksheet)


def read_workbook(path: Path) -> Table:
    """Return the first visible sheet with an HTCDS header; remarks name the other sheets with content."""
    check_bounds(path)
    try:
        with warnings.catch_warnings(), path.open("rb") as file:  # openpyxl wouldn't close a bad file
            warnings.simplefilter("ignore")  # about drop-down lists and styles, which aren't needed
            reader = Reader(file, read_only=True, data_only=True, keep_links=False)
            reader.read()
            return _read(reader.wb)
    except (NotHtcds, MemoryError):
        raise
    except Exception as error:  # a damaged part can raise anything
        raise damaged() from error


def _read(book) -> Table:
    visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    chosen = next((sheet for sheet in visible if any(_is_header(row) for row in _beginning(sheet))), None)
    if chosen is None:
        raise NotHtcds(
            _(
                "no visible sheet of this workbook has HTCDS names (prs_FirstName, con_Consent …) in its first "
                "%(rows)s rows"
            )
            % {"rows": HEADER_WITHIN}
        )
    look = _look(chosen)
    rows = _filled(chosen, look)
    header = next(place for place, row in enumerate(rows) if _is_header(row[1]))
    table = _table(rows[header][1], rows[header + 1 :], look)
    return Table(table.rows, [*_other_sheets(book, chosen), *table.remarks])


def _beginning(sheet) -> list[Row]:
    """Return the first filled rows, where the header can be."""
    found: list[Row] = []
    for row in _values(sheet, HEADER_BEFORE):
        if _is_row(row):
            found.append(row)
        if len(found) == HEADER_WITHIN:
            break
    return found


def _values(sheet, last: int) -> Iterator[Row]:
    letters = 0
    for row in sheet.iter_rows(max_col=MOST_COLUMNS, max_row=last, values_only=True):
        letters += sum(len(value) for value in row if isinstance(value, str))
        if letters > MOST_LETTERS:
            raise NotHtcds(
                _("has more than %(most)s letters in all cells; divide it") % {"most": MOST_LETTERS}
            )
        yield {place: value for place, value in enumerate(row) if _is_filled(value)}


def _filled(sheet, look: Look) -> list[Numbered]:
    """Return the rows that have more than a number in the first column."""
    rows: list[Numbered] = []
    for number, values in enumerate(_values(sheet, look.last_row), start=1):
        row = values | look.cells.get(number, {})
        if _is_row(row):
            rows.append((number, row))
        if len(rows) > MOST_ROWS + HEADER_WITHIN:
            raise _too_many()
    return rows


def _look(sheet) -> Look:
    """Parse the sheet's XML once, which is quick, for what openpyxl doesn't read in read-only mode."""
    look, number, count = Look(), 0, 0
    with sheet._get_source() as part:
        for _event, element in iterparse(part):
            tag = element.tag.rpartition("}")[2]
            if tag == "col" and _is_true(element.get("hidden")):
                first, last = int(element.get("min")) - 1, int(element.get("max"))
                if first < 0:
                    raise damaged()
                look.hidden_columns |= set(range(first, min(last, MOST_COLUMNS)))
            if tag != "row":
                continue
            former, number, count = number, int(element.get("r") or number + 1), count + 1
            if number <= former:
                raise damaged()  # openpyxl would drop rows that are out of order
            _look_at_row(element, number, look)
            element.clear()
            if count > LAST_ROW or look.last_row > LAST_ROW:
                raise NotHtcds(
                    _("has rows below row %(most)s; delete the empty ones between") % {"most": LAST_ROW}
                )
    return look


def _look_at_row(row, number: int, look: Look) -> None:
    place = -1
    for cell in row:
        letters = (cell.get("r") or "").rstrip("0123456789")
        place = column_index_from_string(letters) - 1 if letters else place + 1
        texts = {part.tag.rpartition("}")[2]: part.text or "" for part in cell}
        if not texts or place >= MOST_COLUMNS:
            continue
        look.last_row = number
        kind = cell.get("t")
        if "f" in texts and not texts.get("v") and kind != "str":
            look.cells.setdefault(number, {})[place] = UNCALCULATED
        elif kind == "d":
            look.cells.setdefault(number, {})[place] = texts.get("v", "")
    if _is_true(row.get("hidden")):
        look.hidden_rows.add(number)


def _is_true(value: str | None) -> bool:
    return value in ("1", "true")


def _other_sheets(book, chosen) -> list[str]:
    """Return remarks on sheets that are not read."""
    remarks = []
    for sheet in book.worksheets:
        if sheet.sheet_state != "visible":
            remarks.append(_("sheet “%(name)s” is hidden: it is not read") % {"name": sheet.title})
        elif sheet is not chosen and _beginning(sheet):
            remarks.append(
                _("sheet “%(name)s” is not read because “%(taken)s” is read: import it as a separate file")
                % {"name": sheet.title, "taken": chosen.title}
            )
    return remarks


def _hidden_rows(rows: list[Numbered], look: Look) -> list[str]:
    """Return a remark on hidden rows of data, which aren't read. IOM's template hides its header, which is read."""
    hidden = [number for number, _row in rows if number in look.hidden_rows]
    if not hidden:
        return []
    shown = ", ".join(map(str, hidden[:MOST_SHOWN])) + (" …" if len(hidden) > MOST_SHOWN else "")
    return [_("hidden rows are not read; unhide them to import them: %(rows)s") % {"rows": shown}]


def _too_many() -> NotHtcds:
    return NotHtcds(_("has more than %(most)s filled rows; divide it") % {"most": MOST_ROWS})


def _is_filled(value: object) -> bool:
    return value is not None and (not isinstance(value, str) or names.is_seen(value))


def _is_row(row: Row) -> bool:
    return bool(row.keys() - {0}) or isinstance(row.get(0), str)


def _is_header(row: Row) -> bool:
    return sum(standard.named(str(word)) is not None for word in row.values()) >= FEWEST_NAMES


def _is_label_row(row: Row) -> bool:
    """Return whether this is the template's second row: labels, some in another order than the names."""
    return sum(standard.labelled(str(word)) is not None for word in row.values()) * 2 > len(row)


def _table(titles: Row, rows: list[Numbered], look: Look) -> Table:
    labels = rows[0][1] if rows and _is_label_row(rows[0][1]) else {}
    rows = rows[1:] if labels else rows
    data = [row for row in rows if row[0] not in look.hidden_rows]
    if len(data) > MOST_ROWS:
        raise _too_many()
    columns = _columns(titles, labels)
    read = [
        (number, {field.name: row[place] for place, field in columns.items() if place in row})
        for number, row in data
    ]
    return Table(
        [(number, cells) for number, cells in read if cells],
        [
            *_hidden_rows(rows, look),
            *_hidden_columns(columns, look),
            *_unknown(titles, columns, data),
            *_missing(columns),
        ],
    )


def _columns(titles: Row, labels: Row) -> dict[int, Field]:
    """Return the field of each column: by its technical name, or by its label where it has no name."""
    columns = {place: field for place, name in titles.items() if (field := standard.named(str(name)))}
    taken = [field.name for field in columns.values()]
    twice = sorted({name for name in taken if taken.count(name) > 1})
    if twice:
        raise NotHtcds(_("has the same column twice: %(names)s") % {"names": ", ".join(twice)})
    for place, label in labels.items():
        field = standard.labelled(str(label))
        if field and place not in titles and field.name not in taken:
            columns[place] = field
            taken.append(field.name)
    return columns


def _hidden_columns(columns: dict[int, Field], look: Look) -> list[str]:
    """Return remarks on hidden columns, which are read: without a consent or birth date a row would mislead."""
    return [
        _("column %(letter)s (%(name)s) is hidden: its values are read")
        % {"letter": get_column_letter(place + 1), "name": columns[place].name}
        for place in sorted(columns.keys() & look.hidden_columns)
    ]


def _unknown(titles: Row, columns: dict[int, Field], data: list[Numbered]) -> list[str]:
    """Return remarks on columns that aren't imported: those with a name, and nameless ones with values."""
    filled = {place for _number, row in data for place in row} - {0}
    return [
        _("column %(letter)s (%(name)s) is not stored: its values are left out")
        % {"letter": get_column_letter(place + 1), "name": str(titles.get(place, _("without a name")))[:60]}
        for place in sorted((titles.keys() | filled) - columns.keys())
    ]


def _missing(columns: dict[int, Field]) -> list[str]:
    found = {field.name for field in columns.values()}
    missing = [name for name in standard.template_columns() if name not in found]
    return [_("missing columns: %(names)s") % {"names": ", ".join(missing)}] if missing else []
