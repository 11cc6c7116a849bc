"""PDFs: content that a condition hides, glyphs that no code draws, and photos disguised as a mesh are left
out.
"""

import io

import pikepdf
import pytest
from django.core.exceptions import ValidationError
from pikepdf import Array, Dictionary, Name

from core import cleaner, uploads
from tests import pdfs, uploaded_files
from tests.core.test_pdf import cleaned_text, with_content


@pytest.mark.parametrize(
    ("written", "is_taken"),
    [
        (b"<</Type /OCMD /OCGs <</Type /OCG>>>>", True),
        (b"<</Type /OCMD /OCGs [<</Type /OCG>>] /P /AllOn>>", True),
        (b"<</Type /OCMD /OCGs [<</Type /OCG>>] /P /AllOff>>", False),
        (b"<</Type /OCMD /OCGs <</Type /OCG>> /P /AnyOff>>", False),
        (b"<</OCGs <</Type /OCG>> /P /AllOff>>", False),
        (b"<</Type /OCMD /VE [/Not <</Type /OCG>>]>>", False),
        (b"<</VE [/Not <</Type /OCG>>]>>", False),
    ],
)
@pytest.mark.parametrize("place", ["page", "form", "direct"])
def test_a_condition_that_hides_what_is_drawn_is_refused(place, written, is_taken):
    condition = pikepdf.Object.parse(written)
    with pikepdf.open(io.BytesIO(uploaded_files.pdf())) as pdf:
        pdf.Root.OCProperties = Dictionary(OCGs=Array([]), D=Dictionary(ON=Array([])))
        page = pdf.pages[0].obj
        if place == "form":
            form = pdf.make_stream(b"0 0 9 9 re f", Dictionary(Subtype=Name.Form, BBox=Array([0, 0, 9, 9])))
            form.OC = condition
            page.Resources.XObject = Dictionary(F=form)
        else:
            page.Resources.Properties = Dictionary(
                M=condition if place == "direct" else pdf.make_indirect(condition)
            )
        data = pdfs.saved(pdf)
    if is_taken:
        assert b"Letter of the ward" in cleaned_text(data)
        return
    with pytest.raises(cleaner.Refused, match="layers"):
        cleaner.cleaned(data)


@pytest.mark.parametrize(("flags", "is_taken"), [(1 << 12, True), (1 << 13, False), (3 << 12, False)])
def test_a_password_field_is_refused(flags, is_taken):
    """A viewer shows dots for what is in it; the cleaned page would show the password."""
    data = uploaded_files.filled_form(flags=flags)
    if is_taken:
        assert b"Typed in Banke" in cleaned_text(data)
        return
    with pytest.raises(ValidationError, match="password field"):
        uploads.clean_upload(data)


def test_a_cropped_page_stays_cropped_and_keeps_what_was_cropped():
    """The page on which a file is uploaded says so. Refusing would hurt: scanners crop too, and mostly margins."""
    with pikepdf.open(io.BytesIO(uploaded_files.pdf())) as pdf:
        pdf.pages[0].obj.CropBox = Array([0, 0, 50, 50])
        data = pdfs.saved(pdf)
    assert b"Letter of the ward" in cleaned_text(data)
    with pikepdf.open(io.BytesIO(cleaner.cleaned(data)[1])) as pdf:
        assert list(pdf.pages[0].obj.CropBox) == [0, 0, 50, 50]


def test_a_form_with_the_name_of_a_condition_is_kept():
    with pikepdf.open(io.BytesIO(uploaded_files.pdf())) as pdf:
        form = pdf.make_stream(b"0 0 8 9 re f", Dictionary(Subtype=Name.Form, BBox=Array([0, 0, 9, 9])))
        page = pdf.pages[0].obj
        page.Resources.XObject, page.Contents = Dictionary(VE=form, P=form), pdf.make_stream(b"/VE Do")
        data = pdfs.saved(pdf)
    assert b"0 0 8 9 re" in cleaned_text(data)


def test_a_glyph_that_no_code_draws_is_removed():
    with pikepdf.open(io.BytesIO(pdfs.every_kind())) as pdf:
        fonts_of_it = [font for font in pdf.objects if isinstance(font, Dictionary) and "/CharProcs" in font]
        (font,) = fonts_of_it
        font.CharProcs[Name("/CANARY said so")] = font.CharProcs.a
        font.CharProcs[Name("/CANARYNAME")] = font.CharProcs.a
        data = pdfs.saved(pdf)
    assert b"CANARYNAME" in pdfs.unpacked(data)
    text = cleaned_text(data)
    assert b"CANARY" not in text
    assert b"/CharProcs" in text
    assert b"/a " in text[text.index(b"/CharProcs") :][:60]


@pytest.mark.parametrize("kind", [4, 5, 6, 7])
@pytest.mark.parametrize("is_pattern", [True, False])
def test_a_mesh_is_refused_as_it_can_contain_a_photo(kind, is_pattern):
    def mesh(pdf: pikepdf.Pdf) -> Dictionary:
        keys = Dictionary(
            ShadingType=kind,
            ColorSpace=Name.DeviceRGB,
            BitsPerCoordinate=8,
            BitsPerComponent=8,
            BitsPerFlag=8,
            VerticesPerRow=2,
            Decode=Array([0, 9, 0, 9, 0, 1, 0, 1, 0, 1]),
        )
        made = pdf.make_stream(pdfs.jpeg(), keys)
        return Dictionary(X=Dictionary(PatternType=2, Shading=made) if is_pattern else made)

    data = (
        with_content(b"/Pattern cs /X scn 0 0 9 9 re f", Pattern=mesh)
        if is_pattern
        else with_content(b"/X sh", Shading=mesh)
    )
    with pytest.raises(cleaner.Refused, match="unsupported"):
        cleaner.cleaned(data)
