"""PDFs are written anew from an allow-list: a payload on any object, under any key, is left out; pages are
cleaned.
"""

import io
import re
import struct
from functools import cache

import pikepdf
import pytest
from django.core.exceptions import ValidationError
from pikepdf import Array, Dictionary, Name
from PIL import Image

from core import cleaner, uploads
from core.pdf import fonts
from tests import pdfs, uploaded_files, walks

# Keys that programs and attackers use, and an unknown one.
KEYS = re.findall(
    r"\w+",
    "A AA AF Action ActualText Alt AlternatePresentations Alternates Annots B Collection Contents DSS "
    "Dests Dur E EF Encrypt Extensions F FDecodeParms FFilter FS ID Info JS JavaScript Kids Lang "
    "LastModified Launch Legal MarkInfo Measure Metadata Movie NM Names OC OCProperties OPI OpenAction "
    "Outlines PS PTData PageLabels Parent Perms PieceInfo PresSteps Private Properties PtData RT Ref "
    "Rendition Requirements RichMedia SeparationInfo Sound SpiderInfo StructParent StructParents "
    "StructTreeRoot T TU Tabs TemplateInstantiated Threads Thumb Title Trans URI Unknown UserProperties V "
    "VP ViewerPreferences XFA ",
)
# Keys with which no reader would open the file.
NOT_A_PDF = {
    "trailer": ("Encrypt",),
    "trailer/Root/Pages": ("Parent",),
    "trailer/Root/Pages/Kids[0]": ("Kids", "Parent"),
}
ESSENTIAL = {
    "/Type",
    "/Subtype",
    "/Length",
    "/Filter",
    "/DecodeParms",
    "/Size",
    "/Root",
    "/Pages",
    "/Kids",
    "/Count",
}


@cache
def paths() -> list[str]:
    """Return the path to every dictionary and stream of a PDF that has every kind of them."""
    with pikepdf.open(io.BytesIO(pdfs.every_kind())) as pdf:
        return [path for path, _found in pdfs.containers(pdf)]


def payloads(pdf: pikepdf.Pdf, mark: str) -> list:
    """Return a script, a stream, a text, a name, an array and a dictionary, each with the mark."""
    return [
        Dictionary(S=Name.JavaScript, JS=f"app.alert('{mark}')"),
        pdf.make_stream(f"{mark} GPS 27.7 85.3".encode()),
        pikepdf.String(mark),
        Name(f"/{mark} (x)"),
        Array([pikepdf.String(mark), Name(f"/{mark} (x)")]),
        Dictionary(EF=Dictionary(F=pdf.make_stream(mark.encode())), UF=mark),
    ]


def with_content(text: bytes, **resources) -> bytes:
    with pikepdf.open(io.BytesIO(uploaded_files.pdf())) as pdf:
        page = pdf.pages[0].obj
        page.Contents = pdf.make_stream(text)
        for name, value in resources.items():
            page.Resources[f"/{name}"] = value(pdf)
        return pdfs.saved(pdf)


def cleaned_text(data: bytes) -> bytes:
    """Return the cleaned PDF uncompressed, or nothing where it is refused. Cleaned in this process: one
    process each is slow.
    """
    try:
        return pdfs.unpacked(cleaner.cleaned(data)[1])
    except cleaner.Refused:
        return b""


def test_the_sample_has_every_kind_of_object_and_cleaning_removes_code_and_data():
    before = pdfs.unpacked(pdfs.every_kind())
    assert before.count(b"CANARY") >= 25
    assert len(paths()) > 90
    text = pdfs.unpacked(cleaner.cleaned(pdfs.every_kind())[1])
    assert b"CANARY" not in text
    for word in (
        b"JavaScript",
        b"/AA",
        b"/URI",
        b"Exif",
        b"/Annots",
        b"/StructTreeRoot",
        b"/Metadata",
        b"/Names",
    ):
        assert word in before
        assert word not in text, word


@pytest.mark.parametrize("path", walks.parameters(paths(), keep=paths()[::4]))
def test_a_payload_hidden_on_any_object_is_removed(path):
    """Once under each key that isn't the object's own, once as each that is."""
    source = pdfs.every_kind()
    with pikepdf.open(io.BytesIO(source)) as pdf:
        keys = [str(key) for key in dict(pdfs.containers(pdf))[path]]
    for number in range(len(keys) + 1):
        with pikepdf.open(io.BytesIO(source)) as pdf:
            container = dict(pdfs.containers(pdf))[path]
            choices = payloads(pdf, "HIDDENMARK")
            if number == len(keys):
                added = [key for key in KEYS if f"/{key}" not in keys and key not in NOT_A_PDF.get(path, ())]
                for place, key in enumerate(added):
                    container[f"/{key}"] = choices[place % len(choices)]
            elif keys[number] in ESSENTIAL:
                continue
            else:
                container[keys[number]] = choices[(number + len(path)) % len(choices)]
            try:
                data = pdfs.saved(pdf)
            except (pikepdf.PdfError, ValueError, TypeError):
                continue  # no PDF can be written so
        assert number < len(keys) or b"HIDDENMARK" in pdfs.unpacked(data)
        assert b"HIDDENMARK" not in cleaned_text(data), (path, keys[number : number + 1])


def test_the_cleaned_sample_still_shows_its_page():
    """The control of the test above: the result is a page, and not a refusal each time."""
    text = cleaned_text(pdfs.every_kind())
    assert b"Letter of the ward" in text
    assert text.count(b"/Image") >= 12


@pytest.mark.parametrize(
    "name", ["Plain", "Photo", "Packed", "Text", "Twice", "Runs", "Wavelets", "Fax", "Palette", "Stencil"]
)
def test_each_picture_keeps_its_pixels_and_loses_the_rest(name):
    """Each picture by itself, whatever its filters."""
    with (
        pikepdf.open(io.BytesIO(uploaded_files.pdf())) as pdf,
        pikepdf.open(io.BytesIO(pdfs.every_kind())) as sample,
    ):
        found = pdf.copy_foreign(sample.pages[0].obj.Resources.XObject[f"/{name}"])
        page = pdf.pages[0].obj
        page.Resources.XObject = Dictionary(P=found)
        page.Contents = pdf.make_stream(b"q 40 0 0 30 0 0 cm /P Do Q")
        if name == "Plain":
            found.ColorSpace = Name.DeviceRGB  # its profile is none that a library would open
        before = pikepdf.PdfImage(found).as_pil_image().convert("RGB")
        data = pdfs.saved(pdf)
    cleaned = uploads.clean_upload(data).data
    assert b"CANARY" not in pdfs.unpacked(cleaned)
    assert b"Exif" not in pdfs.unpacked(cleaned)
    with pikepdf.open(io.BytesIO(cleaned)) as pdf:
        (picture,) = pdf.pages[0].obj.Resources.XObject.values()
        after = pikepdf.PdfImage(picture).as_pil_image().convert("RGB")
        if picture.get("/Filter") == Name.DCTDecode:
            assert not Image.open(io.BytesIO(picture.read_raw_bytes())).getexif()
    assert after.size == before.size == (40, 30)
    apart = [abs(one - two) for one, two in zip(before.tobytes(), after.tobytes(), strict=True)]
    assert sum(apart) / len(apart) < 2
    assert max(apart) < 40


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_a_jpeg_2000_picture_loses_its_comment(mode):
    """A camera or scanner writes the place, the device or the person into it."""
    written = io.BytesIO()
    Image.new(mode, (40, 30)).save(written, "JPEG2000", comment="CANARYCOMMENT")
    data = with_content(
        b"/X Do", XObject=lambda pdf: Dictionary(X=pdfs.chained(pdf, written.getvalue(), "JPXDecode"))
    )
    assert b"CANARYCOMMENT" in pdfs.unpacked(data)
    kept = cleaned_text(data)
    assert b"/DCTDecode" in kept
    assert b"CANARY" not in kept


def test_segments_between_the_scans_of_a_jpeg_and_after_its_end_are_removed():
    written = io.BytesIO()
    Image.linear_gradient("L").save(written, "JPEG", progressive=True)
    raw = written.getvalue()
    scan = raw.index(b"\xff\xda", raw.index(b"\xff\xda") + 2)
    segment = b"\xff\xe1" + (2 + 11).to_bytes(2, "big") + b"CANARYSCAN!"
    with pikepdf.open(io.BytesIO(uploaded_files.pdf())) as pdf:
        page = pdf.pages[0].obj
        jpeg = pdfs.picture(
            pdf,
            raw[:scan] + segment + raw[scan:] + b"CANARYEND",
            Width=256,
            Height=256,
            ColorSpace=Name.DeviceGray,
        )
        jpeg.Filter = Name.DCTDecode
        page.Resources.XObject = Dictionary(P=jpeg)
        page.Contents = pdf.make_stream(b"/P Do")
        data = pdfs.saved(pdf)
    assert b"CANARYSCAN" in pdfs.unpacked(data)
    text = cleaned_text(data)
    assert b"/DCTDecode" in text
    assert b"CANARY" not in text


@pytest.mark.parametrize(
    "drawn",
    [
        b"% CANARY\n",
        b"/Span <</ActualText (CANARY) /Alt (CANARY)>> BDC EMC",
        b"/Tag <</X (CANARY)>> DP",
        b"(CANARY) unknown",
        b"(CANARY) 1 w",
        b"(CANARY) w",
        b"[(CANARY)] 0 d",
        b"/CANARY gs",
        b"/CANARY Do",
        b"BX (CANARY) zz EX",
        b"BI /W 1 /H 1 /BPC 8 /CS /G /Alt (CANARY) ID x EI",
        b"BI /W 1 /H 1 /BPC 8 /CS /G ID xCANARY EI",
        b"<</A (CANARY)>> gs",
    ],
)
def test_content_that_draws_nothing_is_removed(drawn):
    with pikepdf.open(io.BytesIO(uploaded_files.pdf())) as pdf:
        page = pdf.pages[0].obj
        page.Contents = pdf.make_stream(page.Contents.read_bytes() + b"\n" + drawn + b"\n0 0 9 9 re f")
        data = pdfs.saved(pdf)
    assert b"CANARY" in pdfs.unpacked(data)
    text = cleaned_text(data)
    assert b"CANARY" not in text
    assert b"Letter of the ward" in text
    assert b"0 0 9 9 re\nf" in text


def test_a_font_keeps_only_the_tables_that_draw():
    font = pdfs.sfnt(cmap=b"12345", glyf=b"draws", name=b"CANARYNAME", DSIG=b"CANARYSIGN", cvt_=b"1234")
    cleaned = fonts.drawing_tables(font)
    assert cleaned is not None
    assert b"CANARY" not in cleaned
    assert cleaned == fonts.drawing_tables(cleaned)
    assert (b"draws" in cleaned, b"12345" in cleaned) == (True, True)
    assert fonts.drawing_tables(b"CANARY, and no font") is None


@pytest.mark.parametrize(
    "table",
    ["head", "hhea", "maxp", "hmtx", "loca", "gasp", "OS/2", "VORG", "vhea", "vmtx", "CFF2"],
)
def test_a_photo_in_a_fonts_table_of_a_known_size_is_removed(table):
    tables = {
        "head": b"\0" * 54,
        "hhea": b"\0" * 36,
        "maxp": b"\0\1\0\0\0\1" + b"\0" * 26,
        "hmtx": b"\1\2\3\4",
        "loca": b"\0\0\0\1",
        "glyf": b"draws",
    }
    plain = fonts.drawing_tables(pdfs.sfnt(**tables))
    assert plain is not None
    assert all(content in plain for content in tables.values())
    photo = uploaded_files.photo(size=(200, 200), said="CANARYINSIDE")
    with_photo = tables | {table: tables.get(table, b"") + photo}
    assert fonts.drawing_tables(pdfs.sfnt(**with_photo)) == plain


def test_a_font_with_overlapping_tables_is_removed():
    """Otherwise 100 entries that each name the whole file turn ten megabytes into a gigabyte."""
    font = pdfs.sfnt(cmap=b"12345678", glyf=b"draws123")
    twice = font[:28] + font[12:28] + font[44:]
    assert fonts.drawing_tables(font)
    assert fonts.drawing_tables(twice) is None
    over = font[:20] + struct.pack(">LL", 0, len(font)) + font[28:]
    assert fonts.drawing_tables(over) is None


def test_the_characters_of_glyphs_are_kept():
    """Words can still be searched and copied."""
    text = cleaned_text(pdfs.every_kind())
    for line in (
        b"<0003> <0915>",
        b"<0004> <0916094D>",
        b"<0005> <0007> <0917>",
        b"<0008> <0009> [ <0918> <0919> ]",
    ):
        assert line in text
    assert b"1 begincodespacerange\n<0000> <FFFF>" in text


def with_character_map(text: bytes) -> bytes:
    def font(pdf: pikepdf.Pdf) -> Dictionary:
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        font.ToUnicode = pdf.make_stream(text)
        return Dictionary(F=font)

    return with_content(b"BT /F 12 Tf (a) Tj ET", Font=font)


def test_a_list_in_a_character_map_is_one_entry_of_any_length():
    codes = b" ".join(b"%d" % number for number in range(150_000))
    kept = cleaned_text(with_character_map(b"1 beginbfrange 1 2 [" + codes + b"] endbfrange"))
    assert b"1 2 [ " + codes + b" ]" in kept


def test_a_character_map_of_millions_of_codes_is_refused():
    """A list that grew word by word kept a process busy for 12 seconds; packed it has 3 kB."""
    data = with_character_map(b"beginbfrange 1 2 [" + b"1 " * 1_500_000 + b"] endbfrange")
    with pytest.raises(ValidationError, match="too complex"):
        uploads.clean_upload(data)


def with_samples(size: list[int], samples: bytes = b"") -> bytes:
    """A page with a shading whose colours are a table of samples."""

    def shading(pdf: pikepdf.Pdf) -> Dictionary:
        unit = Array([0, 1])
        table = pdf.make_stream(
            samples, Dictionary(FunctionType=0, Domain=unit, Range=unit, Size=Array(size), BitsPerSample=8)
        )
        return Dictionary(
            S=Dictionary(ShadingType=2, ColorSpace=Name.DeviceGray, Coords=[0, 0, 9, 9], Function=table)
        )

    return with_content(b"/S sh 3 3 4 4 re f", Shading=shading)


def test_a_function_has_no_more_inputs_than_a_colour_has_inks():
    """The product of 200,000 large numbers kept a process busy for 12 seconds."""
    assert b"/FunctionType 0" in cleaned_text(with_samples([4], b"1234"))
    kept = cleaned_text(with_samples([2147483647] * 199_999))
    assert b"3 3 4 4 re" in kept
    assert b"/FunctionType" not in kept


def test_a_function_has_at_most_32_kilobytes_of_samples():
    """A table of samples can be the bytes of a photo."""
    assert b"/FunctionType 0" in cleaned_text(with_samples([32_768], bytes(32_768)))
    with pytest.raises(cleaner.Refused, match="too much"):
        cleaner.cleaned(with_samples([32_769], bytes(32_769)))


# --- PDFs of real users


def shown(data: bytes) -> list[bytes]:
    """Return the strings that the pages show, in their order."""
    found = []
    with pikepdf.open(io.BytesIO(data)) as pdf:
        for page in pdf.pages:
            for part in pikepdf.parse_content_stream(page):
                found += [bytes(item) for item in part.operands if isinstance(item, pikepdf.String)]
    return found


def test_a_page_that_a_browser_printed_keeps_its_words_and_fonts():
    """In both scripts, with a table, a gradient, shadows; its rendering was compared by eye and by pixels."""
    from pathlib import Path

    data = (Path(__file__).parents[1] / "data" / "printed.pdf").read_bytes()
    cleaned = uploads.clean_upload(data).data
    assert shown(cleaned) == shown(data) != []
    with pikepdf.open(io.BytesIO(cleaned)) as pdf:
        resources = pdf.pages[0].obj.Resources
        kinds = sorted(str(font.Subtype) for font in resources.Font.values())
        assert "/Type0" in kinds
        for font in resources.Font.values():
            if font.Subtype == Name.Type0:
                assert font.ToUnicode.read_bytes().count(b"<") > 4
                assert font.DescendantFonts[0].FontDescriptor.FontFile2.read_bytes()[:4] == b"\0\1\0\0"
    text = pdfs.unpacked(cleaned)
    assert b"CANARY" not in text
    assert b"canary.example" not in text
    assert b"CANARY" in pdfs.unpacked(data)


def test_a_scan_with_recognised_text_keeps_both():
    """What scanners make: a picture over the page, and its words in letters that aren't painted."""
    with pikepdf.open(io.BytesIO(uploaded_files.pdf(text="Recognised words"))) as pdf:
        page = pdf.pages[0].obj
        page.Resources.XObject = Dictionary(
            Scan=pdfs.chained(pdf, pdfs.jpeg(), "DCTDecode", ColorSpace=Name.DeviceRGB)
        )
        words = page.Contents.read_bytes().replace(b"Tj", b"Tj").replace(b"BT", b"BT 3 Tr")
        page.Contents = Array([pdf.make_stream(b"q 595 0 0 842 0 0 cm /Scan Do Q"), pdf.make_stream(words)])
        data = pdfs.saved(pdf)
    text = cleaned_text(data)
    assert b"Recognised words" in text
    assert b"3 Tr" in text
    assert b"/DCTDecode" in text


def test_pages_keep_inherited_size_and_rotation():
    with pikepdf.open(io.BytesIO(uploaded_files.pdf(pages=2))) as pdf:
        for page in pdf.pages:
            del page.obj["/MediaBox"]
        pdf.Root.Pages.MediaBox, pdf.Root.Pages.Rotate = Array([0, 0, 300, 400]), 90
        data = pdfs.saved(pdf)
    with pikepdf.open(io.BytesIO(uploads.clean_upload(data).data)) as cleaned:
        assert [[int(side) for side in page.obj.MediaBox] for page in cleaned.pages] == [[0, 0, 300, 400]] * 2
        assert [page.obj.Rotate for page in cleaned.pages] == [90, 90]
