"""PDFs that are refused: hidden layers, bombs, and files without end."""

import io
import random
import zlib

import pikepdf
import pytest
from django.core.exceptions import ValidationError
from pikepdf import Array, Dictionary, Name, Stream

from core import cleaner, uploads
from core.pdf import content, copier, document
from tests import pdfs, uploaded_files
from tests.core.test_pdf import cleaned_text, with_content


@pytest.mark.parametrize(
    ("layers", "is_taken"),
    [
        (Dictionary(OCGs=Array([]), D=Dictionary(ON=Array([]))), True),
        (Dictionary(OCGs=Array([]), D=Dictionary(OFF=Array([Dictionary(Name="Hidden")]))), False),
        (Dictionary(OCGs=Array([]), D=Dictionary(BaseState=Name.OFF)), False),
        (Dictionary(OCGs=Array([]), D=Dictionary(AS=Array([Dictionary(Event=Name.View)]))), False),
        (Array([]), False),
    ],
)
def test_layers_that_are_hidden_are_refused(layers, is_taken):
    with pikepdf.open(io.BytesIO(uploaded_files.pdf())) as pdf:
        pdf.Root.OCProperties = layers
        data = pdfs.saved(pdf)
    if is_taken:
        assert b"Letter of the ward" in cleaned_text(data)
        return
    with pytest.raises(ValidationError, match="hidden layers"):
        uploads.clean_upload(data)


def bomb(pdf: pikepdf.Pdf) -> Dictionary:
    packed = zlib.compressobj(9)
    data = b"".join(packed.compress(bytes(1_000_000)) for _number in range(200)) + packed.flush()
    stream = pdf.make_stream(
        data, Dictionary(Filter=Name.FlateDecode, Subtype=Name.Form, BBox=Array([0, 0, 9, 9]))
    )
    return Dictionary(X=stream)


def of_filter(*names: str):
    def made(pdf: pikepdf.Pdf) -> Dictionary:
        filters = Array([Name(f"/{name}") for name in names])
        return Dictionary(
            X=pdfs.picture(pdf, b"\x80\x0b\x60\x50", ColorSpace=Name.DeviceGray, Filter=filters)
        )

    return made


def large(pdf: pikepdf.Pdf) -> Dictionary:
    return Dictionary(X=pdfs.picture(pdf, b"", Width=100_000, Height=100_000, ColorSpace=Name.DeviceGray))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (with_content(b"q " * (content.MOST_OPERATORS + 1)), "too complex"),
        (
            with_content(b"BI /W 1 /H 1 /BPC 8 /CS /G ID x EI " * (content.MOST_INLINE_PICTURES + 1)),
            "too complex",
        ),
        (with_content(b"/X Do", XObject=large), "too complex"),
        (with_content(b"/X Do", XObject=bomb), "damaged"),
        (with_content(b"/X Do", XObject=of_filter("LZWDecode")), "can't be checked"),
        (
            with_content(b"/X Do", XObject=of_filter("Cryps")).replace(b"/Cryps", b"/Crypt"),
            "can't be checked",
        ),
        (with_content(b"/X Do", XObject=of_filter("JBIG2Decode")), "can't be checked"),
        (with_content(b"/X Do", XObject=of_filter("FlateDecode", "DCTDecode")), "damaged"),
        (with_content(b"/X Do", XObject=of_filter("DCTDecode")), "can't be checked"),
    ],
)
def test_a_pdf_that_takes_too_long_or_cannot_be_decoded_is_refused_with_advice(data, message):
    with pytest.raises(ValidationError, match=message) as refused:
        uploads.clean_upload(data)
    assert "again" in refused.value.message


def test_too_many_objects_are_refused_before_they_are_read(monkeypatch):
    monkeypatch.setattr(document, "MOST_OBJECTS", 50)
    monkeypatch.setattr(copier.Copier, "__init__", lambda *_args: pytest.fail("an object was looked at"))
    with pikepdf.open(io.BytesIO(uploaded_files.pdf())) as pdf:
        pdf.Root.Many = Array([pdf.make_indirect(Dictionary(N=number)) for number in range(60)])
        data = pdfs.saved(pdf)
    with pytest.raises(cleaner.Refused, match="too much"):
        cleaner.cleaned(data)


def test_a_stream_that_comes_again_and_again_in_one_page_is_refused():
    """A small file became sixty megabytes."""
    with pikepdf.open(io.BytesIO(uploaded_files.pdf())) as pdf:
        page = pdf.pages[0].obj
        content = pdf.make_stream(page.Contents.read_bytes())
        page.Contents = Array([content] * document.MOST_REPEATS)
        few = pdfs.saved(pdf)
        page.Contents = Array([content] * (document.MOST_REPEATS + 1))
        many = pdfs.saved(pdf)
    assert b"Letter of the ward" in cleaned_text(few)
    with pytest.raises(ValidationError, match="too complex"):
        uploads.clean_upload(many)


def test_a_file_that_would_become_much_larger_is_refused():
    """Pages that share one stream, each of which would get a copy: 56 of them made 19 MB of 40 kB."""
    words = bytes(128 + byte % 128 for byte in random.Random(1).randbytes(75_000))
    with pikepdf.open(io.BytesIO(uploaded_files.pdf(pages=30))) as pdf:
        shared = pdf.make_stream(b"BT /T 9 Tf (" + words + b") Tj ET")
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        for page in pdf.pages:
            page.obj.Contents, page.obj.Resources = shared, Dictionary(Font=Dictionary(T=font))
        data = pdfs.saved(pdf)
    assert len(data) < 200_000
    with pytest.raises(cleaner.Refused, match="limits"):
        cleaner.cleaned(data)


def test_recursive_forms_and_page_trees_are_cut_off():
    with pikepdf.open(io.BytesIO(uploaded_files.pdf())) as pdf:
        page = pdf.pages[0].obj
        form = pdf.make_stream(
            b"/Self Do 1 1 2 2 re f", Dictionary(Subtype=Name.Form, BBox=Array([0, 0, 9, 9]))
        )
        form.Resources = Dictionary(XObject=Dictionary(Self=form))
        page.Resources.XObject, page.Contents = Dictionary(F=form), pdf.make_stream(b"/F Do 3 3 4 4 re f")
        del page["/MediaBox"]
        looped = pdf.make_indirect(Dictionary(Type=Name.Pages))
        looped.Parent = looped
        data = pdfs.saved(pdf)
    text = cleaned_text(data)
    assert b"3 3 4 4 re" in text
    assert b"1 1 2 2 re" in text
    with pytest.raises(copier.TooMuch):
        document._inherited(looped, "/MediaBox")


def test_nested_forms_have_a_maximum_depth():
    with pikepdf.open(io.BytesIO(uploaded_files.pdf())) as pdf:
        inner: Stream | None = None
        for _level in range(copier.DEEPEST + 5):
            made = pdf.make_stream(b"/I Do", Dictionary(Subtype=Name.Form, BBox=Array([0, 0, 9, 9])))
            if inner is not None:
                made.Resources = Dictionary(XObject=Dictionary(I=inner))
            inner = made
        page = pdf.pages[0].obj
        page.Resources.XObject, page.Contents = Dictionary(I=inner), pdf.make_stream(b"/I Do")
        data = pdfs.saved(pdf)
    with pytest.raises(ValidationError, match="too complex"):
        uploads.clean_upload(data)


def test_three_hundred_pages_share_their_resources():
    data = uploaded_files.pdf(pages=document.MOST_PAGES)
    cleaned = uploads.clean_upload(data).data
    with pikepdf.open(io.BytesIO(cleaned)) as pdf:
        assert (
            len(
                {
                    page.obj.Resources.Font["/N1"].objgen
                    for page in pdf.pages
                    if "/N1" in page.obj.Resources.Font
                }
            )
            == 1
        )
        assert len(pdf.objects) < 3 * document.MOST_PAGES + 20
