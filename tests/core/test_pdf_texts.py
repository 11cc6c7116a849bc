"""Texts that no page shows and that names, operators and tables of a PDF could keep."""

import io
import zlib
from itertools import pairwise

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name
from PIL import Image

from core import cleaner
from core.pdf import fonts, glyphs
from tests import pdfs
from tests.core.test_pdf import cleaned_text, with_content

MARK = "SitaTamangKathmandu"
HELVETICA = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)


def with_font(pdf: pikepdf.Pdf, **keys) -> Dictionary:
    font = Dictionary(HELVETICA)
    for key, value in keys.items():
        font[f"/{key}"] = value
    return Dictionary(T=pdf.make_indirect(font))


@pytest.mark.parametrize(
    "drawn",
    [
        f"/{MARK} ri",
        f"/{MARK} sc",
        f"1 /{MARK} SC",
        f"({MARK}) Tj",
        f"[({MARK})] TJ",
        f"({MARK}) '",
        f'1 1 ({MARK}) "',
        f"BT ({MARK}) Tj ET",
        f"BT /Missing 9 Tf ({MARK}) Tj ET",
        f"BT /T 9 Tf ET ({MARK}) Tj",
        f"q BT /T 9 Tf ET Q BT ({MARK}) Tj ET",
        f"q q /T 9 Tf Q Q BT ({MARK}) Tj ET",
    ],
)
def test_a_text_that_is_not_drawn_is_removed(drawn):
    found = cleaned_text(with_content(f"1 w {drawn} 0 0 1 1 re f".encode(), Font=with_font))
    assert b" re" in found
    assert MARK.encode() not in found


@pytest.mark.parametrize(
    "drawn",
    [
        f"BT /T 9 Tf ({MARK}) Tj ET",
        f"/T 9 Tf q BT ({MARK}) Tj ET Q",
        f"BT /T 9 Tf ET BT [({MARK})] TJ ET",
        f"q /T 9 Tf BT ({MARK}) ' ET Q",
    ],
)
def test_a_text_that_is_drawn_is_kept(drawn):
    assert MARK.encode() in cleaned_text(with_content(drawn.encode(), Font=with_font))


@pytest.mark.parametrize(("before", "is_kept"), [("/T 9 Tf", True), ("", False)])
def test_a_form_draws_with_the_font_of_the_content_around_it(before, is_kept):
    def forms(pdf: pikepdf.Pdf) -> Dictionary:
        box = Array([0, 0, 9, 9])
        return Dictionary(X=pdf.make_stream(f"BT ({MARK}) Tj ET".encode(), Subtype=Name.Form, BBox=box))

    found = cleaned_text(with_content(f"{before} /X Do".encode(), Font=with_font, XObject=forms))
    assert (MARK.encode() in found) is is_kept


@pytest.mark.parametrize("intent", ["Perceptual", "Saturation"])
def test_a_rendering_intent_is_kept(intent):
    assert f"/{intent} ri".encode() in cleaned_text(with_content(f"/{intent} ri".encode()))


@pytest.mark.parametrize(
    "name", ["A", "eacute", "uni0915", "u1F600", "quotedblleft", "fi", "Omega", "space", "a12"]
)
def test_a_name_that_means_a_character_is_known(name):
    assert glyphs.is_known(name)
    assert not glyphs.is_known(f"{name} {MARK}")


@pytest.mark.parametrize("name", [MARK, "Sita", "Kathmandu", "g1", "uni09", "eacuteacute", ""])
def test_another_name_of_a_glyph_is_not_known(name):
    assert not glyphs.is_known(name)


def test_names_of_glyphs_in_a_font_that_is_not_embedded_mean_characters():
    names = [65, Name.eacute, Name(f"/{MARK}"), Name("/uni0915"), 300, Name.A, 65, Name.B]
    encoding = Dictionary(Differences=Array(names), BaseEncoding=Name(f"/{MARK}"))
    found = cleaned_text(
        with_content(b"BT /T 9 Tf (A) Tj ET", Font=lambda pdf: with_font(pdf, Encoding=encoding))
    )
    assert MARK.encode() not in found
    assert b"65 /B 66 /g" in b" ".join(found.split())
    assert b"67 /uni0915 ]" in b" ".join(found.split())


def test_a_drawn_glyph_is_renamed_with_its_code():
    def drawn_font(pdf: pikepdf.Pdf) -> Dictionary:
        drawings = {f"/{MARK}": pdf.make_stream(b"9 0 d0 0 0 7 7 re f"), "/A": pdf.make_stream(b"8 0 d0")}
        font = Dictionary(
            Type=Name.Font,
            Subtype=Name.Type3,
            BaseFont=Name(f"/{MARK}"),
            FontBBox=Array([0, 0, 1, 1]),
            FontMatrix=Array([1, 0, 0, 1, 0, 0]),
            Encoding=Dictionary(Differences=Array([65, Name(f"/{MARK}"), Name.A])),
            CharProcs=Dictionary(drawings),
        )
        return Dictionary(T=pdf.make_indirect(font))

    data = cleaner.cleaned(with_content(b"BT /T 9 Tf (AB) Tj ET", Font=drawn_font))[1]
    with pikepdf.open(io.BytesIO(data)) as pdf:
        font = next(iter(dict(pdf.pages[0].obj.Resources.Font).values()))
        assert [str(name) for name in font.Encoding.Differences] == ["65", "/g1", "66", "/A"]
        assert font.CharProcs["/g1"].read_bytes().endswith(b"0 0 7 7 re\nf")
        assert "/A" in font.CharProcs
        assert "/BaseFont" not in font


def test_the_name_of_an_encoding_is_one_that_viewers_have():
    found = cleaned_text(
        with_content(b"BT /T 9 Tf (A) Tj ET", Font=lambda pdf: with_font(pdf, Encoding=Name(f"/{MARK}")))
    )
    assert MARK.encode() not in found
    for name in ("/WinAnsiEncoding", "/UniGB-UCS2-H", "/90ms-RKSJ-V", "/UniJIS-UCS2-HW-H", "/H"):
        assert fonts._encoding(None, Name(name)) == Name(name)


def test_a_code_stands_for_eight_units_at_most():
    long = MARK.encode("utf-16-be").hex()
    text = (
        f"begincmap 3 beginbfchar <41> <{long}> <42> <00420043> <{long}> <0041> endbfchar "
        f"2 beginbfrange <43> <44> [<{long}> <0044>] <45> <46> <{long}> endbfrange "
        f"1 begincidrange <{long}> <{long}> 1 <47> <48> 12 endcidrange endcmap"
    ).encode()
    kept = cleaned_text(
        with_content(
            b"BT /T 9 Tf (A) Tj ET", Font=lambda pdf: with_font(pdf, ToUnicode=pdf.make_stream(text))
        )
    )
    assert b"<41> <" + long[:32].encode() + b">\n<42> <00420043>\nendbfchar" in kept
    assert kept.count(long[:32].encode()) == 3
    assert long[:36].encode() not in kept
    assert b"1 begincidrange\n<47> <48> 12\nendcidrange" in kept


def test_inks_are_renamed_but_those_of_printing():
    def spaces(pdf: pikepdf.Pdf) -> Dictionary:
        tint = Dictionary(FunctionType=2, N=1, Domain=Array([0, 1]), C0=Array([0]), C1=Array([1]))
        inks = Array([Name.Cyan, Name(f"/{MARK}"), Name("/None")])
        return Dictionary(
            S=Array([Name.Separation, Name(f"/{MARK}"), Name.DeviceGray, tint]),
            N=Array([Name.DeviceN, inks, Name.DeviceGray, tint]),
        )

    found = cleaned_text(with_content(b"/S cs 1 sc /N cs 1 1 1 sc", ColorSpace=spaces))
    assert MARK.encode() not in found
    for name in (b"/Ink1", b"/Ink2", b"/Cyan", b"/None"):
        assert name in found


def a_picture(data: bytes, **keys):
    def pictures(pdf: pikepdf.Pdf) -> Dictionary:
        given = {"Width": 64, "Height": 64, "BitsPerComponent": 8, "ColorSpace": Name.DeviceRGB, **keys}
        return Dictionary(X=pdf.make_stream(data, Subtype=Name.Image, **given))

    return with_content(b"/X Do", XObject=pictures)


def test_a_picture_behind_two_filters_with_parameters_is_no_error():
    """The parameters were an object of the uploaded file, which a library refused in the new one."""
    written = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(written, "JPEG")
    for name, data in (
        (Name.ASCIIHexDecode, written.getvalue().hex().encode() + b">"),
        (Name.FlateDecode, zlib.compress(written.getvalue())),
    ):
        parameters = Array([Dictionary(Predictor=1, Note=MARK), None])
        given = {"Filter": Array([name, Name.DCTDecode]), "DecodeParms": parameters}
        found = pdfs.unpacked(cleaner.cleaned(a_picture(data, **given))[1])
        assert b"/DCTDecode" in found
        assert MARK.encode() not in found


@pytest.mark.parametrize("error", [pikepdf.ForeignObjectError, RuntimeError, NotImplementedError, OSError])
def test_every_error_of_a_library_is_a_refusal(error, monkeypatch):
    def broken(_data):
        raise error("broken")

    monkeypatch.setattr(cleaner, "remade", broken)
    with pytest.raises(cleaner.Refused, match="damaged"):
        cleaner.cleaned(with_content(b"0 0 1 1 re f"))


def test_a_fax_stays_a_fax_with_the_same_pixels():
    """Uncompressed and compressed otherwise, the scan of a page was three times as large."""
    image = Image.new("1", (640, 640), 1)
    for start, end in pairwise(range(0, 640, 40)):
        image.paste(0, (start, start // 2, end, end))
    written = io.BytesIO()
    image.save(written, "TIFF", compression="group4", tiffinfo={278: 640})
    tags = Image.open(io.BytesIO(written.getvalue())).tag_v2
    fax = written.getvalue()[tags[273][0] : tags[273][0] + tags[279][0]]
    for is_black_one in (True, False):
        keys = {
            "Width": 640,
            "Height": 640,
            "BitsPerComponent": 1,
            "ColorSpace": Name.DeviceGray,
            "Filter": Name.CCITTFaxDecode,
            "DecodeParms": Dictionary(K=-1, Columns=640, Rows=640, BlackIs1=is_black_one),
        }
        before, after = a_picture(fax, **keys), cleaner.cleaned(a_picture(fax, **keys))[1]
        assert pixels(before) == pixels(after)
        assert len(after) < len(before) + 2_000


def pixels(data: bytes) -> bytes:
    with pikepdf.open(io.BytesIO(data)) as pdf:
        picture = next(iter(dict(pdf.pages[0].obj.Resources.XObject).values()))
        return pikepdf.PdfImage(picture).as_pil_image().convert("1").tobytes()
