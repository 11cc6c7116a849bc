"""Exported workbooks: nothing in them is calculated, each names its copy, and only its password opens it."""

import io
import tempfile
import zipfile

import msoffcrypto
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msoffcrypto.exceptions import InvalidKeyError
from openpyxl import load_workbook

from core import spreadsheets
from core.reference import SIGNS

MARK = spreadsheets.Watermark([("Made by", "Asha & Co")], "Asha & Co, 27 March", "K7QM-4XW-T asha")


def made(rows, most: int = 100) -> spreadsheets.BuiltWorkbook:
    return spreadsheets.workbook(title="Cases", columns=["Name", "Age"], rows=rows, most=most, mark=MARK)


def opened(encrypted: bytes, password: str):
    """Return the workbook of an encrypted file, its integrity verified."""
    file, plain = msoffcrypto.OfficeFile(io.BytesIO(encrypted)), io.BytesIO()
    file.load_key(password=password, verify_password=True)
    file.decrypt(plain, verify_integrity=True)
    return load_workbook(plain)


@pytest.mark.parametrize(
    "sign", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", " =", "\u3000＝"]
)
def test_a_value_that_would_be_calculated_is_written_as_text(sign):
    assert spreadsheets.safe_cell(f"{sign}cmd|' /C calc'!A0") == f"'{sign}cmd|' /C calc'!A0"


@pytest.mark.parametrize("value", ["Sita", "", "२०५३", "o-k", 7, -7, 1.5, None])
def test_a_harmless_value_is_unchanged(value):
    assert spreadsheets.safe_cell(value) == value


@given(st.text(max_size=60))
def test_no_text_becomes_a_formula(text):
    cell = str(spreadsheets.safe_cell(text))
    assert not cell.strip() or cell.lstrip()[0] not in "=+-@＝＋－＠"


def test_the_workbook_opens_with_its_password_and_names_its_copy():
    rows = [('=HYPERLINK("http://x")', 30), ("A\x00\x0b_x0041_<b>", None), ("x" * 40_000, -2)]
    password = spreadsheets.make_password()
    encrypted = spreadsheets.encrypted(made(rows).plain, password)
    assert not zipfile.is_zipfile(io.BytesIO(encrypted))
    assert b"HYPERLINK" not in encrypted
    assert b'keyBits="256"' in encrypted
    book = opened(encrypted, password)
    about, sheet = book.worksheets
    assert [cell.value for cell in sheet[1]] == ["Name", "Age", "Copy"]
    assert [cell.value for cell in sheet[2]] == ['\'=HYPERLINK("http://x")', 30, "K7QM-4XW-T asha"]
    assert len(sheet[4][0].value) == spreadsheets.LONGEST_CELL
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}
    assert [[cell.value for cell in row] for row in about.iter_rows()] == [
        ["Made by", "Asha & Co"],
        ["Rows", "3"],
    ]
    for page in (about, sheet):
        assert page.oddHeader.left.text == page.oddFooter.left.text == "Asha && Co, 27 March"
    assert {(given.name, given.value) for given in book.custom_doc_props.props} == {
        ("Made by", "Asha & Co"),
        ("Rows", "3"),
    }


def test_another_password_opens_nothing():
    encrypted = spreadsheets.encrypted(made([("Sita", 30)]).plain, "right")
    with pytest.raises(InvalidKeyError):
        opened(encrypted, "wrong")


def test_more_rows_than_were_allowed_make_no_workbook():
    assert made([("a", 1)] * 3, most=3).rows == 3
    with pytest.raises(spreadsheets.TooManyRows):
        made([("a", 1)] * 4, most=3)


def test_no_unencrypted_copy_is_written_to_disk(monkeypatch):
    """Not even for a moment: opening a temporary file fails here."""

    def refused(*given, **named):
        raise AssertionError("a temporary file")

    for name in ("NamedTemporaryFile", "TemporaryFile", "mkstemp", "mkdtemp", "SpooledTemporaryFile"):
        monkeypatch.setattr(tempfile, name, refused)
    assert spreadsheets.encrypted(made([("Sita", 30)] * 50).plain, "right")


def test_passwords_are_long_and_typed_from_a_screen():
    made_ones = {spreadsheets.make_password() for _ in range(200)}
    assert len(made_ones) == 200
    for password in made_ones:
        groups = password.split("-")
        assert [len(group) for group in groups] == [4] * 5
        assert set("".join(groups)) <= set(SIGNS)
