"""Exported workbooks: without formulas, with a watermark, and encrypted with a password.

A workbook is built in memory and encrypted there, so it is never on a disk in clear. That is why XlsxWriter is used and
not openpyxl, which writes sheets to temporary files.
"""

import secrets
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import NamedTuple

from django.utils.translation import gettext as _
from msoffcrypto.format.ooxml import OOXMLFile
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from core.reference import SIGNS

Cell = str | int | float | None

# Characters with which a text becomes a formula (OWASP, "CSV injection"); full-width forms too, as East Asian
# spreadsheets treat them alike. A pipe or a percent sign alone starts no formula.
STARTS_FORMULA = frozenset("=+-@＝＋－﹣−＠\t\r\n")
LONGEST_CELL = 32_000  # Excel holds 32,767
LONGEST_PROPERTY, LONGEST_EDGE = 255, 120
PASSWORD_GROUPS, GROUP = 5, 4  # 20 of 31 characters: 99 bits
NARROW, WIDE = 18, 40  # column widths in characters


class TooManyRows(Exception):
    """There are more rows than may be exported."""


class Watermark(NamedTuple):
    """The texts that mark a copy: (label, value) lines of the first sheet, one for page edges, one for each row."""

    lines: Sequence[tuple[str, str]]
    edge: str
    row: str


def safe_cell(value: Cell) -> Cell:
    """Return the cell so that it is no formula: an apostrophe is put before such a text. Numbers are unchanged."""
    if not isinstance(value, str):
        return value
    text = value[:LONGEST_CELL]
    starts = text[:1] in STARTS_FORMULA or text.lstrip()[:1] in STARTS_FORMULA
    return f"'{text}" if text and starts else text


def make_password() -> str:
    """Return a random password in groups for typing: `K7QM-4XWT-…`."""
    groups = ("".join(secrets.choice(SIGNS) for _sign in range(GROUP)) for _group in range(PASSWORD_GROUPS))
    return "-".join(groups)


class BuiltWorkbook(NamedTuple):
    """An unencrypted workbook and its number of rows."""

    plain: BytesIO
    rows: int


def workbook(
    *, title: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]], most: int, mark: Watermark
) -> BuiltWorkbook:
    """Build a workbook with a sheet about this copy and a sheet of rows. Raises TooManyRows beyond `most`."""
    plain, written = BytesIO(), 0
    book = Workbook(plain, {"in_memory": True})
    bold = book.add_format({"bold": True})
    about, sheet = book.add_worksheet(_("About this copy")), book.add_worksheet(_("Rows"))
    _put(sheet, 0, [*columns, _("Copy")], bold)
    for written, cells in enumerate(rows, start=1):
        if written > most:
            raise TooManyRows
        _put(sheet, written, [*cells, mark.row])
    for number, line in enumerate([*mark.lines, (_("Rows"), str(written))]):
        _put(about, number, line)
        book.set_custom_property(line[0], line[1][:LONGEST_PROPERTY], "text")
    about.set_column(0, 1, WIDE)
    sheet.set_column(0, len(columns), NARROW)
    sheet.freeze_panes(1, 1)
    for page in (about, sheet):
        _mark_edges(page, mark.edge)
    book.set_properties({"title": title, "comments": mark.edge})
    book.close()
    return BuiltWorkbook(plain, written)


def _mark_edges(page: Worksheet, text: str) -> None:
    """Set header and footer of the printed pages. `&` starts a code there, so it is doubled."""
    edge = f"&L{text[:LONGEST_EDGE].replace('&', '&&')}"
    page.set_landscape()
    page.set_header(edge)
    page.set_footer(edge)


def _put(sheet: Worksheet, row: int, cells: Iterable[Cell], cell_format=None) -> None:
    for column, cell in enumerate(map(safe_cell, cells)):
        if isinstance(cell, str):
            sheet.write_string(row, column, cell, cell_format)
        elif cell is not None:
            sheet.write_number(row, column, cell, cell_format)


def encrypted(plain: BytesIO, password: str) -> bytes:
    """Return the workbook encrypted with a password: AES-256 as in Excel and LibreOffice (MS-OFFCRYPTO, agile)."""
    plain.seek(0)
    encrypted = BytesIO()
    OOXMLFile(plain).encrypt(password, encrypted)
    return encrypted.getvalue()
