"""Workbooks of real users and of attackers: which sheets and rows are read, what each kind of cell means,
limits.

Measured on two shared cores: the workbook of 5 million shared texts (0.04 to 0.22 MB) is refused in 1.1 s and
105 MB (before: 88 s and 608 MB), the one of 60 sheets with one row at the bottom in 0.01 s (before: it never
ended).
"""

import json
import re
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path

import openpyxl
import pytest
from django.utils import translation

from beneficiaries.htcds import NotHtcds, bounds, cell, reader, row, standard, workbook
from beneficiaries.htcds.workbook import read_workbook
from beneficiaries.management.commands import import_cases
from beneficiaries.queries.case_list import case_list
from core import names
from core.context import acting_as
from tests.beneficiaries.test_import_htcds import (  # noqa: F401 - two are fixtures
    DAMAGED,
    SITA,
    TODAY,
    A,
    book,
    country,
    refusals,
    run,
    why_not,
)

CASES = Path(__file__).parents[1] / "data" / "cases"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def first_names(table) -> list[str]:
    return [cells["prs_FirstName"] for _number, cells in table.rows]


def changed(path: Path, name: str, change) -> Path:
    """Replace one part of the workbook by what `change` makes of it."""
    target = path.with_name(f"changed-{path.name}")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for entry in source.infolist():
            text = source.read(entry)
            made.writestr(entry.filename, change(text) if entry.filename == name else text)
    return target


# --- which sheet, which rows


@pytest.mark.django_db
def test_a_hidden_sheet_is_named_and_not_read(run):  # noqa: F811
    lines = run(CASES / "min_hidden_sheet.xlsx", "--dry-run")
    assert first_names(read_workbook(CASES / "min_hidden_sheet.xlsx")) == ["SeenOne", "SeenTwo"]
    assert "sheet “Old copy” is hidden: it is not read" in lines
    assert lines[-1] == "rows 2 accepted 2 refused 0"


@pytest.mark.django_db
def test_a_second_sheet_is_named(run):  # noqa: F811
    lines = run(CASES / "min_two_sheets.xlsx", "--dry-run")
    assert lines[0] == "sheet “2083” is not read because “Cases” is read: import it as a separate file"
    assert lines[-1] == "rows 1 accepted 1 refused 0"


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_workbook_whose_sheets_are_all_hidden_but_an_empty_one_is_refused(book, state):  # noqa: F811
    made = openpyxl.load_workbook(book(SITA))
    made.active.sheet_state = state
    made.create_sheet("shown")
    made.active = 1
    path = book(SITA, name="hidden.xlsx")
    made.save(path)
    assert why_not(path).startswith("no visible sheet of this workbook has HTCDS names")


def test_hidden_rows_are_named_and_not_read_and_hidden_columns_are_named_and_read(book):  # noqa: F811
    names = ["Sita", "Gita", "Maya", "Rita"]
    made = openpyxl.load_workbook(book(*(SITA | {"prs_FirstName": name} for name in names)))
    for number in (3, 5):
        made.active.row_dimensions[number].hidden = True
    made.active.row_dimensions[9].hidden = True  # empty: nothing to report
    made.active.column_dimensions["D"].hidden = True
    path = book(SITA, name="hidden.xlsx")
    made.save(path)
    table = read_workbook(path)
    assert first_names(table) == ["Sita", "Maya"]
    assert [cells["con_Consent"] for _number, cells in table.rows] == [True, True]
    assert table.remarks[:2] == [
        "hidden rows are not read; unhide them to import them: 3, 5",
        "column D (con_Consent) is hidden: its values are read",
    ]


def test_the_templates_hidden_row_of_names_is_read(book):  # noqa: F811
    made = openpyxl.load_workbook(book(SITA))
    made.active.row_dimensions[1].hidden = True
    path = book(SITA, name="hidden.xlsx")
    made.save(path)
    assert first_names(read_workbook(path)) == ["Sita"]
    assert not any("hidden" in remark for remark in read_workbook(path).remarks)


def test_empty_sheets_are_not_reported(book):  # noqa: F811
    made = openpyxl.load_workbook(book(SITA))
    made.create_sheet("Sheet2")
    path = book(SITA, name="more.xlsx")
    made.save(path)
    assert not any("Sheet2" in remark for remark in read_workbook(path).remarks)


def test_rows_out_of_order_are_reported(book):  # noqa: F811
    path = book(SITA, SITA)
    out_of_order = changed(
        path, "xl/worksheets/sheet1.xml", lambda text: text.replace(b'<row r="2"', b'<row r="9"', 1)
    )
    assert why_not(out_of_order) == DAMAGED


# --- what each kind of cell means


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2007-12-31T18:15:00Z", date(2008, 1, 1)),
        ("2007-12-31T18:14:59Z", date(2007, 12, 31)),
        ("2007-12-31T18:15:00.000+00:00", date(2008, 1, 1)),
        ("2007-12-31 18:15:00Z", date(2008, 1, 1)),
        ("2007-12-31T18:15:00", date(2007, 12, 31)),  # without a zone it is a day and an hour in Nepal
        ("2008-01-01T00:00:00+05:45", date(2008, 1, 1)),
        ("1975-12-31T18:30:00Z", date(1976, 1, 1)),  # Nepal was half an hour from India then
        ("1975-12-31T18:15:00Z", date(1975, 12, 31)),
    ],
)
def test_a_moment_is_its_day_in_nepal(text, day):
    found = cell.date_of(text)
    assert (found.date, found.precision) == (day, "day")


@pytest.mark.django_db
def test_a_child_born_in_nepal_while_it_was_yesterday_in_london_is_a_child(run):  # noqa: F811
    lines = run(CASES / "min_utc_birth.xlsx", "--dry-run")
    assert "row 2: refused: a child's consent must be recorded by hand (guardian and child)" in lines


def test_a_moment_that_the_sheet_itself_marks_as_one_keeps_its_zone(book):  # noqa: F811
    """A cell of the type “date” contains text, of which openpyxl drops the zone."""
    path = book({**SITA, "prs_Birthdate": "2007-12-31T18:15:00Z"})
    inline = re.compile(rb't="inlineStr"><is><t>(2007-12-31T18:15:00Z)</t></is>')
    dated = changed(path, "xl/worksheets/sheet1.xml", lambda text: inline.sub(rb't="d"><v>\1</v>', text))
    assert b't="d"' in zipfile.ZipFile(dated).read("xl/worksheets/sheet1.xml")
    ((_number, cells),) = read_workbook(dated).rows
    assert cell.date_of(cells["prs_Birthdate"]).date == date(2008, 1, 1)


UNREADABLE = [
    1995.10,
    1995.1,
    "1995.1",
    True,
    time(9, 30),
    timedelta(days=3),
    "#REF!",
    "#FIELD!",
    35001,
    -1995,
]


@pytest.mark.parametrize("value", [*UNREADABLE, "2007-12-31T25:00:00Z", "9999-12-31T23:59:00Z"])
def test_what_is_no_date_is_refused(value):
    with pytest.raises(cell.Unreadable):
        cell.date_of(value)


@pytest.mark.django_db
def test_a_month_that_became_a_number_is_refused(run):  # noqa: F811
    lines = run(CASES / "min_month_as_number.xlsx", "--dry-run")
    assert "row 2: refused: Birthdate (prs_Birthdate): “1995.1” can't be read as a date" in lines


@pytest.mark.parametrize(
    "value", ["1e4", "nan", "Infinity", "1,5", True, datetime(2020, 1, 1), "#N/A", "--1"]
)
def test_what_is_no_number_is_refused(value):
    with pytest.raises(cell.Unreadable):
        cell.number_of(value)


@pytest.mark.parametrize(
    ("value", "number"), [("२", 2), (2.0, 2), (" 27.5 ", 27.5), ("-84.25", -84.25), (0, 0)]
)
def test_numbers_are_read_from_cells(value, number):
    assert cell.number_of(value) == number


ENDLESS = [
    pytest.param(value, id=f"{kind} {place}")
    for kind, values in {
        "text": ["9" * 400 + ".5", "-" + "9" * 400 + ".5", "9" * 5000],
        "number": [10**400, -(10**400), 1e300],
    }.items()
    for place, value in enumerate(values)
]
NUMBERS = [field.name for field in standard.fields().values() if field.type == "Number"]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ENDLESS)
def test_a_number_that_json_does_not_have_refuses_its_row(name, value):
    (refusal,) = refusals(**{name: value})
    assert f"({name}): not between " in refusal


@pytest.mark.parametrize("name", ["prs_HomePhone", "prs_MobilePhone"])
@pytest.mark.parametrize("value", ENDLESS)
def test_an_endless_telephone_number_refuses_its_row(name, value):
    (refusal,) = refusals(**{name: value})
    assert f"({name}): " in refusal


BROKEN = ["#REF!", "#NAME?", "#N/A", "#DIV/0!", "#SPILL!", "#FIELD!", "#BLOCKED!", cell.UNCALCULATED]


@pytest.mark.parametrize("name", sorted(standard.fields()))
@pytest.mark.parametrize("value", BROKEN)
def test_a_broken_cell_refuses_the_row_in_every_column(name, value):
    found = row.read_row(SITA | {name: value}, today=TODAY, country=country).refusals
    assert len(found) == 1, found
    assert name == "con_Consent" or f"({name}): " in found[0]


ODD = [True, 12.5, datetime(2020, 1, 1), time(9, 30), timedelta(days=3)]
TYPED = {
    **dict.fromkeys(("prs_FirstName", "prs_MiddleName", "prs_SecondName"), ODD),
    **dict.fromkeys(("prs_HomePhone", "prs_MobilePhone"), ODD),
    "prs_Birthdate": [True, 12.5, time(9, 30), timedelta(days=3)],
    "prs_NumberOfChildren": [True, datetime(2020, 1, 1), time(9, 30), timedelta(days=3)],
    "prs_Deceased": ODD[1:],
    "prs_Gender": ODD,
    "vic_MethodsOfControl": ODD,
    "prs_Citizenship": ODD,
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, odd in TYPED.items() for value in odd])
def test_a_cell_of_another_kind_refuses_the_row(name, value):
    (refusal,) = refusals(**{name: value})
    assert f"({name}): " in refusal


def test_a_formula_that_was_never_calculated_is_not_an_empty_cell(book):  # noqa: F811
    path = book(SITA | {"prs_Birthdate": "=DATE(2010,1,1)"})
    ((_number, cells),) = read_workbook(path).rows
    (refusal,) = row.read_row(cells, today=TODAY, country=country).refusals
    assert refusal == (
        "Birthdate (prs_Birthdate): a formula that was never calculated: open the file in a spreadsheet and save it"
    )


def test_a_formula_is_read_by_its_value(book):  # noqa: F811
    path = book(SITA | {"prs_FirstName": '="Si"&"ta"'})
    formula = re.compile(rb'<c r="B2"[^>]*>(<f>.*?</f>)<v ?/?>(?:</v>)?</c>')
    calculated = changed(
        path,
        "xl/worksheets/sheet1.xml",
        lambda text: formula.sub(rb'<c r="B2" t="str">\1<v>Sita</v></c>', text),
    )
    assert first_names(read_workbook(calculated)) == ["Sita"]


# --- names and numbers of the sample files


@pytest.mark.django_db
def test_the_sample_of_names(run, demo_users):  # noqa: F811
    lines = run(CASES / "min_invisible_name.xlsx")
    assert next(line for line in lines if line.startswith("row ")) == "row 2: refused: first name is missing"
    with acting_as(demo_users[A]):
        assert len(case_list(demo_users[A], find="sita rai")) == 1


@pytest.mark.django_db
def test_the_sample_of_telephones(run, demo_users):  # noqa: F811
    lines = run(CASES / "min_phones.xlsx")
    assert lines[-1] == "rows 3 accepted 2 refused 1"
    with acting_as(demo_users[A]):
        for number in ("9841234562", "9841234564", "9801234564"):
            assert len(case_list(demo_users[A], find=number)) == 1, number


# --- limits


@pytest.fixture
def unopened(monkeypatch):
    """Fail if openpyxl is called: a workbook that is too large is refused before."""

    def opened(*_args, **_kwargs):
        pytest.fail("the workbook was opened")  # which no reader mistakes for a damaged file

    monkeypatch.setattr(workbook.Reader, "__init__", opened)
    monkeypatch.setattr(openpyxl.reader.excel.ExcelReader, "__init__", opened)


def with_texts(path: Path, count: int, name: str = "xl/sharedStrings.xml") -> Path:
    """Write that many empty shared texts into a part of the workbook with this name."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    entry = f'<Override PartName="/{name}" ContentType="{kind}"/></Types>'.encode()
    target = changed(path, bounds.CONTENT_TYPES, lambda text: text.replace(b"</Types>", entry))
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, f'<sst xmlns="{MAIN}">'.encode() + b"<si/>" * count + b"</sst>")
    return target


def test_five_million_shared_texts_are_refused_unopened(book, unopened):  # noqa: F811
    path = with_texts(book(SITA), 5_000_000)
    assert path.stat().st_size < 250_000
    assert why_not(path) == "has more than 500000 different texts; divide it"


@pytest.mark.parametrize("name", ["xl/sharedStrings.xml", "xl/texts.xml"])
def test_the_limit_depends_on_what_a_part_is_and_not_on_its_name(book, unopened, monkeypatch, name):  # noqa: F811
    monkeypatch.setattr(bounds, "MOST_TEXTS", 10)
    assert why_not(with_texts(book(SITA), 11, name)) == "has more than 10 different texts; divide it"


def test_sixty_sheets_with_one_row_at_the_bottom_are_refused_unopened(tmp_path, unopened):
    made = openpyxl.Workbook()
    for number in range(60):
        made.create_sheet(f"s{number}")["A1048576"] = "x"
    made.save(tmp_path / "sixty.xlsx")
    assert why_not(tmp_path / "sixty.xlsx") == "has more than 50 sheets; divide it"


def test_a_row_at_the_bottom_is_not_waited_for(book, monkeypatch):  # noqa: F811
    made = openpyxl.load_workbook(book(SITA))
    made.active["A1048576"] = "x"
    path = book(SITA, name="bottom.xlsx")
    made.save(path)
    asked: list[int] = []
    rows = workbook.Sheet.iter_rows
    monkeypatch.setattr(
        workbook.Sheet,
        "iter_rows",
        lambda sheet, **given: asked.append(given["max_row"]) or rows(sheet, **given),
    )
    assert why_not(path) == "has rows below row 200000; delete the empty ones between"
    assert max(asked) <= workbook.HEADER_BEFORE


def test_rows_without_end_are_refused(book, monkeypatch):  # noqa: F811
    monkeypatch.setattr(workbook, "LAST_ROW", 20)
    empty = b"".join(b'<row r="%d" s="1"/>' % number for number in range(3, 40))
    path = changed(
        book(SITA),
        "xl/worksheets/sheet1.xml",
        lambda text: text.replace(b"</sheetData>", empty + b"</sheetData>"),
    )
    assert why_not(path) == "has rows below row 20; delete the empty ones between"


@pytest.mark.parametrize("name", [bounds.STYLES, bounds.WORKBOOK, "xl/_rels/workbook.xml.rels"])
def test_parts_that_become_objects_are_limited(book, unopened, name):  # noqa: F811
    path = changed(
        book(SITA),
        name,
        lambda text: text.replace(b"</", b"<x/>" * (bounds.MOST_TAGS_OF_OBJECTS + 1) + b"</", 1),
    )
    assert why_not(path) == "has too many styles or names; copy its rows into a new workbook"


def test_cells_are_limited_over_all_sheets(tmp_path, unopened, monkeypatch):
    monkeypatch.setattr(bounds, "MOST_TAGS", 2_000)
    made = openpyxl.Workbook()
    for number in range(5):
        sheet = made.create_sheet(f"s{number}")
        for _row in range(20):
            sheet.append([1, 2, 3, 4, 5])
    made.save(tmp_path / "cells.xlsx")
    assert why_not(tmp_path / "cells.xlsx") == "has more than 500 cells; divide it"


def with_rows(path: Path, rows: bytes) -> Path:
    """The workbook with these rows of XML at the end of its sheet."""
    return changed(
        path,
        "xl/worksheets/sheet1.xml",
        lambda text: text.replace(b"</sheetData>", rows + b"</sheetData>"),
    )


@pytest.mark.parametrize("name", ["c", "x:c", "\u0915:c"])
def test_a_row_of_millions_of_empty_cells_is_refused_unopened(book, unopened, name):  # noqa: F811
    """An empty cell has one mark and not four: a file of 48 kB cost 84 s and 3.9 GB."""
    cells = f"<{name}/>" * 8_192
    row = f'<row xmlns:x="{MAIN}" xmlns:\u0915="{MAIN}">{cells}<!-- <row > -->{cells}<{name}/></row>'
    assert why_not(with_rows(book(SITA), row.encode())).startswith("has a row of more than 16384 cells")


def test_millions_of_empty_cells_are_refused_unopened(book, unopened):  # noqa: F811
    path = with_rows(book(SITA), (b"<row>" + b"<c/>" * 16_000 + b"</row>") * 190)
    assert path.stat().st_size < 100_000
    assert why_not(path) == "has more than 3000000 cells; divide it"


def test_the_list_of_formulas_is_no_row(book):  # noqa: F811
    """`calcChain.xml` names each cell with a formula, and has no rows."""
    path = book(SITA)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/calcChain.xml", b'<calcChain><c r="A1"/>' + b"<c/>" * 17_000 + b"</calcChain>")
    assert first_names(read_workbook(path)) == ["Sita"]


def with_formats(path: Path, formats: str) -> Path:
    """The workbook with these number formats, the first of which a style uses."""
    return changed(
        path,
        bounds.STYLES,
        lambda text: re.sub(
            b"<numFmts[^>]*/>|<numFmts.*</numFmts>", f"<numFmts>{formats}</numFmts>".encode(), text
        ).replace(b"<cellXfs>", b'<cellXfs><xf numFmtId="200"/>'),
    )


@pytest.mark.parametrize(
    "form",
    [
        '<numFmt numFmtId="200" formatCode="{}"/>',
        "<numFmt numFmtId='200' formatCode = '{}'/>",
        '<numFmt numFmtId="200"><formatCode>{}</formatCode></numFmt>',
    ],
)
def test_a_number_format_longer_than_excels_is_refused_unopened(book, form, unopened):  # noqa: F811
    """3 kB, in which a format consisted of a million brackets, cost 12 minutes."""
    path = with_formats(book(SITA), form.format("[" * 256))
    assert (
        why_not(path) == "has a number format of more than 255 characters; copy its rows into a new workbook"
    )


def test_number_formats_as_long_as_excels_are_read(book):  # noqa: F811
    path = with_formats(book(SITA), f'<numFmt numFmtId="200" formatCode="{"&quot;" * 255}"/>')
    assert first_names(read_workbook(path)) == ["Sita"]


@pytest.mark.parametrize("run", ["<r><t/></r>", "<r><rPr><b/></rPr><t/></r>", "<x:rPh sb='0' eb='1'/>"])
@pytest.mark.parametrize("place", ["shared", "cell"])
def test_parts_of_texts_are_limited(book, unopened, monkeypatch, run, place):  # noqa: F811
    """33 kB, in which one text had 500,000 differently formatted parts, cost 22 s and 601 MB."""
    monkeypatch.setattr(bounds, "MOST_RUNS", 100)
    path, runs = with_texts(book(SITA), 1), f'<x xmlns:x="{MAIN}">{run * 101}</x>'.encode()
    if place == "shared":
        path = changed(
            path, "xl/sharedStrings.xml", lambda text: text.replace(b"<si/>", b"<si>%b</si>" % runs)
        )
    else:
        path = with_rows(path, b'<row><c t="inlineStr"><is>%b</is></c></row>' % runs)
    assert why_not(path) == "has more than 100 formatted parts of texts; copy its rows as plain text"


@pytest.mark.parametrize("first", ["-9000000", "0", "x"])
def test_columns_that_no_sheet_has_are_refused(book, first, monkeypatch):  # noqa: F811
    """After the rows, where openpyxl doesn't read them; 1.5 kB cost 9 GB."""
    monkeypatch.setattr(reader, "MEMORY", 400_000_000)
    hidden = f'</sheetData><cols><col min="{first}" max="1" hidden="1"/></cols>'.encode()
    path = changed(
        book(*[SITA] * 12), "xl/worksheets/sheet1.xml", lambda text: text.replace(b"</sheetData>", hidden)
    )
    with pytest.raises(NotHtcds, match=DAMAGED):
        reader.read_workbook(path)


def test_a_workbook_that_takes_too_long_is_refused(book, monkeypatch):  # noqa: F811
    """Whatever openpyxl does: each limit above was added after a workbook that had found another way."""
    path = book(SITA)
    assert first_names(reader.read_workbook(path)) == ["Sita"]
    refused = "takes too long or too much memory to read; divide it, or copy its rows into a new workbook"
    for limit, least in (("LONGEST", 0.001), ("SECONDS", 0)):
        with monkeypatch.context() as patched, pytest.raises(NotHtcds, match=refused):
            patched.setattr(reader, limit, least)
            reader.read_workbook(path)


@pytest.mark.parametrize("owner", [(bounds, "_check_archive"), (workbook.Reader, "read")])
def test_a_workbook_that_fills_the_memory_is_not_reported_as_damaged(book, owner, monkeypatch):  # noqa: F811
    def fills_the_memory(*_args):
        raise MemoryError

    monkeypatch.setattr(*owner, fills_the_memory)
    with pytest.raises(MemoryError):  # which `core.limited` reports
        read_workbook(book(SITA))


def test_every_kind_of_cell_leaves_the_limited_process_as_it_was(book):  # noqa: F811
    values = ["सीता\n𝄞", "", 1, -1.5, True, datetime(2020, 2, 29, 1, 2, 3), time(4, 5), timedelta(days=40)]
    path = book(*(SITA | {"cas_ReasonForCaseClosure": value} for value in values))
    assert reader.read_workbook(path) == read_workbook(path)
    never = changed(book(SITA | {"con_Consent": "=TRUE()"}), "xl/worksheets/sheet1.xml", lambda text: text)
    assert reader.read_workbook(never) == read_workbook(never)


def test_a_letter_from_the_limited_process_takes_no_more_than_in_utf_8():
    """Escaped, each of 20 million Devanagari letters would take six bytes of the importing process."""
    text = "क" * 1000
    table = workbook.Table([(2, {"prs_FirstName": text})], [])
    answer = reader.encoded(table)
    assert answer.count(text.encode()) == 1
    assert len(answer) < 3100


def test_a_half_of_a_letter_leaves_the_limited_process_and_refuses_its_row():
    table = workbook.Table([(2, SITA | {"prs_Birthdate": "1995", "prs_Title": "\ud800"})], [])
    ((_number, cells),) = json.loads(reader.encoded(table))["rows"]
    found = row.read_row(SITA | {"prs_Title": cells["prs_Title"]}, today=TODAY, country=country)
    assert found.refusals == ["Title (prs_Title): has a character that is not text"]


def test_the_command_reads_a_workbook_in_the_limited_process(book, monkeypatch):  # noqa: F811
    monkeypatch.setattr(workbook, "read_workbook", None)
    assert import_cases.read_workbook is reader.read_workbook


@pytest.mark.django_db
def test_a_refusal_of_the_limited_process_is_in_the_readers_language(book):  # noqa: F811
    path = with_formats(book(SITA), f'<numFmt numFmtId="200" formatCode="{"[" * 256}"/>')
    with translation.override("ne"), pytest.raises(NotHtcds, match="255") as refused:
        reader.read_workbook(path)
    assert "number format" not in str(refused.value)


def test_a_text_that_many_cells_share_counts_for_each(book, monkeypatch):  # noqa: F811
    """8 kB, in which 40,000 cells named one text of 10,000 letters, cost 138 s."""
    monkeypatch.setattr(workbook, "MOST_LETTERS", 50_000, raising=False)
    assert first_names(read_workbook(book(SITA))) == ["Sita"]
    path = book(*[SITA | {"cas_ReasonForCaseClosure": "क" * 9_990}] * 6)
    assert path.stat().st_size < 20_000
    assert why_not(path) == "has more than 50000 letters in all cells; divide it"


def test_a_text_that_cells_share_is_put_in_order_once(monkeypatch):
    asked: list[str] = []
    normalized = names.normalized
    monkeypatch.setattr(names, "normalized", lambda text: asked.append(text) or normalized(text))
    text = "एउटै पाठ, धेरै कोठामा"
    assert [cell.text_of(text), cell.text_of(text)] == [text, text]
    assert len(asked) == 1


@pytest.mark.parametrize(
    "text",
    [
        b'<?xml version="1.0" encoding="cp037"?>'
        + "<sst><si/></sst>".encode("cp037"),  # “<” is another byte in this encoding
        "<sst><si/></sst>".encode("utf-16"),
        '<?xml version="1.0" encoding="utf-16"?><sst><si/></sst>'.encode("utf-16-le"),
    ],
)
def test_an_encoding_that_hides_markup_is_refused(book, unopened, text):  # noqa: F811
    path = changed(with_texts(book(SITA), 1), "xl/sharedStrings.xml", lambda _text: text)
    assert why_not(path) == DAMAGED


def test_two_sheets_of_one_part_are_refused(book):  # noqa: F811
    path = book(SITA)
    made = openpyxl.load_workbook(path)
    made.create_sheet("Second").append(["x"])
    made.save(path)
    twice = changed(
        path, "xl/_rels/workbook.xml.rels", lambda text: text.replace(b"sheet2.xml", b"sheet1.xml")
    )
    assert why_not(twice) == DAMAGED
