"""Workbooks that go out: nothing in them is a formula, each says whose it is, and only its password opens it.

A workbook is made in memory and leaves it encrypted: no clear copy ever stands on a disk, hence XlsxWriter and not
openpyxl, which writes its sheets to temporary files.
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

# What makes a spreadsheet take a text for a formula (OWASP, "CSV injection"), full-width forms too, as East Asian
# spreadsheets read them alike. A pipe or a percent sign starts nothing by itself.
STARTS_FORMULA = frozenset("=+-@＝＋－﹣−＠\t\r\n")
LONGEST_CELL = 32_000  # Excel holds 32,767
LONGEST_PROPERTY, LONGEST_EDGE = 255, 120
PASSWORD_GROUPS, GROUP = 5, 4  # of 31 signs: 99 bits
NARROW, WIDE = 18, 40  # columns, in signs


class TooManyRows(Exception):
    """There are more rows than may go out."""


class Watermark(NamedTuple):
    """What a workbook says of itself: (label, value) line by line, a line for each page's edge, one for each row."""

    lines: Sequence[tuple[str, str]]
    edge: str
    row: str


def safe_cell(value: Cell) -> Cell:
    """A text that a spreadsheet would calculate gets an apostrophe in front; figures stay figures."""
    if not isinstance(value, str):
        return value
    text = value[:LONGEST_CELL]
    starts = text[:1] in STARTS_FORMULA or text.lstrip()[:1] in STARTS_FORMULA
    return f"'{text}" if text and starts else text


def make_password() -> str:
    """For typing from a screen, in groups: `K7QM-4XWT-…`."""
    groups = ("".join(secrets.choice(SIGNS) for _sign in range(GROUP)) for _group in range(PASSWORD_GROUPS))
    return "-".join(groups)


class BuiltWorkbook(NamedTuple):
    """A workbook in clear, and how many rows are in it."""

    plain: BytesIO
    rows: int


def workbook(
    *, title: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]], most: int, mark: Watermark
) -> BuiltWorkbook:
    """A sheet that tells whose copy this is, and a sheet of rows, asked for one by one; at most `most` of them."""
    plain, written = BytesIO(), 0
    book = Workbook(plain, {"in_memory": True})
    bold = book.add_format({"bold": True})
    about, sheet = book.add_worksheet(_("About this copy")), book.add_worksheet(_("Rows"))
    _put(sheet, 0, [*columns, _("Copy")], bold)
    for written, cells in enumerate(rows, start=1):
        if written > most:
            raise TooManyRows
        _put(sheet, written, [*cells, mark.row])
    for place, line in enumerate([*mark.lines, (_("Rows"), str(written))]):
        _put(about, place, line)
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
    """Above and below each printed page. In a header `&` begins a code, hence two of them."""
    edge = f"&L{text[:LONGEST_EDGE].replace('&', '&&')}"
    page.set_landscape()
    page.set_header(edge)
    page.set_footer(edge)


def _put(sheet: Worksheet, place: int, cells: Iterable[Cell], look=None) -> None:
    for column, cell in enumerate(map(safe_cell, cells)):
        if isinstance(cell, str):
            sheet.write_string(place, column, cell, look)
        elif cell is not None:
            sheet.write_number(place, column, cell, look)


def encrypted(plain: BytesIO, password: str) -> bytes:
    """The workbook under its password: AES-256, as Excel and LibreOffice do it (MS-OFFCRYPTO, agile)."""
    plain.seek(0)
    encrypted = BytesIO()
    OOXMLFile(plain).encrypt(password, encrypted)
    return encrypted.getvalue()
