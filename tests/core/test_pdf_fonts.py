"""PDFs: the fonts in them draw as before and lose the texts of whoever made them."""

import io
import re
import struct

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name
from PIL import ImageFont

from core import cleaner
from tests import font_programs, pdfs, uploaded_files
from tests.core.test_pdf import cleaned_text


def drawn(program: bytes) -> bytes:
    """Return the pixels of an A."""
    mask = ImageFont.truetype(io.BytesIO(program), 40).getmask("A")
    assert mask.getbbox()
    return bytes(mask)


def with_font(program: bytes, *, key: str = "FontFile", wide: bool = False, **keys) -> bytes:
    """A page that writes in an embedded font; `wide` for one whose codes have two bytes."""
    with pikepdf.open(io.BytesIO(uploaded_files.pdf())) as pdf:
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name("/ABCDEF+CANARYFONT"))
        font.FontDescriptor = pdf.make_indirect(
            Dictionary(Type=Name.FontDescriptor, FontName=Name("/ABCDEF+CANARYFONT"), Flags=4)
        )
        font.FontDescriptor[f"/{key}"] = pdf.make_stream(program, Dictionary(**keys))
        if wide:
            font.Subtype = Name.CIDFontType0
            font = Dictionary(
                Type=Name.Font,
                Subtype=Name.Type0,
                BaseFont=Name("/ABCDEF+CANARYFONT-Identity-H"),
                Encoding=Name("/Identity-H"),
                DescendantFonts=Array([pdf.make_indirect(font)]),
            )
        page = pdf.pages[0].obj
        page.Resources.Font.F2 = pdf.make_indirect(font)
        page.Contents = pdf.make_stream(page.Contents.read_bytes() + b" BT /F2 9 Tf (AA) Tj ET")
        return pdfs.saved(pdf)


def cleaned_font(data: bytes, key: str = "FontFile") -> tuple[bytes, list[int]]:
    """Return the program of the cleaned page's embedded font, and the lengths of its parts."""
    with pikepdf.open(io.BytesIO(cleaner.cleaned(data)[1])) as pdf:
        font = pdf.pages[0].obj.Resources.Font["/N2"]
        inner = font.get("/DescendantFonts", [font])[0]
        names = [str(name) for name in (font.BaseFont, inner.BaseFont, inner.FontDescriptor.FontName)]
        assert names == ["/F1"] * 3
        program = inner.FontDescriptor[f"/{key}"]
        return program.read_bytes(), [
            program[name] for name in ("/Length1", "/Length2", "/Length3") if name in program
        ]


def test_embedded_fonts_are_renamed_and_the_others_keep_the_name_they_are_drawn_by():
    with pikepdf.open(io.BytesIO(cleaner.cleaned(pdfs.every_kind())[1])) as pdf:
        fonts = {str(font.Subtype): font for font in pdf.pages[0].obj.Resources.Font.values()}
        inner = fonts["/Type0"].DescendantFonts[0]
        embedded = [
            font for font in pdf.objects if isinstance(font, Dictionary) and "/FontDescriptor" in font
        ]
        names = sorted(str(font.BaseFont) for font in embedded)
        assert names == sorted(str(font.FontDescriptor.FontName) for font in embedded) == ["/F1", "/F2"]
        assert fonts["/Type0"].BaseFont == inner.BaseFont
    text = cleaned_text(pdfs.every_kind())
    assert b"/Helvetica" in text
    assert b"Carrier" not in text


@pytest.mark.parametrize("program", [b"none", b"%!PS-AdobeFont-1.0: x\n(never closed eexec x"])
def test_a_font_whose_program_is_none_keeps_the_name_it_is_drawn_by(program):
    text = cleaned_text(with_font(program))
    assert text.count(b"/ABCDEF+CANARYFONT") == 2
    assert b"/FontFile" not in text


def test_a_type_1_program_draws_as_before_and_has_no_text():
    before = font_programs.type_1()
    after, lengths = cleaned_font(with_font(before, Length1=9, Length2=9, Length3=9))
    assert drawn(after) == drawn(before)
    assert b"CANARY" not in after
    assert b"43414E" not in after
    clear, private = after[: lengths[0]], after[lengths[0] :]
    assert private == font_programs.private_part()
    assert lengths == [len(clear), len(private), 0]
    assert clear.startswith(b"%!PS-AdobeFont-1.0: F1\n")
    assert clear.endswith(b"currentfile eexec\n")
    for line in (
        b"/FontName /F1 def",
        b"/FontType 1 def",
        b"/PaintType 0 def",
        b"/FontMatrix [0.0010000000474974513 0 0 .001 0 0] readonly def",
        b"/FontBBox {-10 -20 600 700} readonly def",
        b"dup 65 /A put\ndup 66 /f_i put\nreadonly def",
    ):
        assert line in clear


def test_a_type_1_program_keeps_the_standard_encoding():
    clear = re.sub(rb"256 array.*?readonly", b"StandardEncoding", font_programs.CLEAR_PART, flags=re.DOTALL)
    after, _lengths = cleaned_font(with_font(font_programs.type_1(clear)))
    assert b"/Encoding StandardEncoding def" in after
    assert b"/.notdef" not in after


@pytest.mark.parametrize("key", [b"/WeightVector [0.5 0.5] def", b"/Encoding [/A /B] def"])
def test_a_type_1_program_of_a_rare_kind_is_refused(key):
    """Without these keys it would draw other glyphs, or none."""
    clear = font_programs.CLEAR_PART.replace(b"/PaintType 0 def", key)
    with pytest.raises(cleaner.Refused, match="unsupported"):
        cleaner.cleaned(with_font(font_programs.type_1(clear)))


@pytest.mark.parametrize(("is_cid", "kind"), [(True, 0), (False, 0), (False, 1), (False, 2)])
def test_a_compact_program_draws_as_before_and_has_no_text_but_the_names_of_glyphs(is_cid, kind):
    before = font_programs.compact(is_cid=is_cid, kind=kind)
    subtype = Name.CIDFontType0C if is_cid else Name.Type1C
    after, _lengths = cleaned_font(
        with_font(before, key="FontFile3", wide=is_cid, Subtype=subtype), "FontFile3"
    )
    assert drawn(after) == drawn(before)
    assert len(after) == len(before)
    assert after.count(b"CANARY") == after.count(b"CANARYGLYPHkha") == (0 if is_cid else 1)
    assert b"AdobeIdentity" in after
    assert before.count(b"CANARY") == 6


def test_a_compact_program_in_an_opentype_font_has_no_text_either():
    font = pdfs.sfnt(CFF_=font_programs.compact(is_cid=True), head=b"\0" * 54)
    after, _lengths = cleaned_font(
        with_font(b"OTTO" + font[4:], key="FontFile3", wide=True, Subtype=Name.OpenType), "FontFile3"
    )
    assert b"AdobeIdentity" in after
    assert b"CANARY" not in after


@pytest.mark.parametrize("end", [4, 7, 20, 60, 90])
def test_a_compact_program_that_ends_early_is_removed(end):
    program = font_programs.compact()[:end]
    text = cleaned_text(with_font(program, key="FontFile3", Subtype=Name.Type1C))
    assert b"Letter of the ward" in text
    assert b"/FontFile3" not in text


def test_a_photo_in_the_map_of_glyphs_is_removed_where_the_font_only_declares_that_many():
    declared = pdfs.sfnt(head=b"\0" * 54, maxp=b"\0\1\0\0\xff\xff", loca=b"\0\0" * 3)
    with pikepdf.open(io.BytesIO(pdfs.every_kind())) as pdf:
        (font,) = (item for item in pdf.objects if isinstance(item, Dictionary) and "/CIDToGIDMap" in item)
        font.FontDescriptor.FontFile2 = pdf.make_stream(declared)
        font.CIDToGIDMap = pdf.make_stream(b"\0\0\0\1\0\2" + pdfs.jpeg())
        data = pdfs.saved(pdf)
    with pikepdf.open(io.BytesIO(cleaner.cleaned(data)[1])) as pdf:
        (font,) = (item for item in pdf.objects if isinstance(item, Dictionary) and "/CIDToGIDMap" in item)
        glyphs = {glyph for (glyph,) in struct.iter_unpack(">H", font.CIDToGIDMap.read_bytes())}
    assert glyphs == {0, 1}, "the two that have a place in loca"
