"""Uploaded files are recognised by their content, and stored without hidden data."""

import io
import stat
import struct
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path

import pikepdf
import pytest
from django.core.exceptions import ValidationError
from PIL import Image

from core import cleaner, clock, files, limited, uploads
from core.pdf.document import MOST_PAGES
from tests import uploaded_files


def opened(taken: uploads.CleanFile) -> Image.Image:
    return Image.open(io.BytesIO(taken.data))


def zipped(text: str = "<script>alert(1)</script>") -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("index.html", text)
    return written.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
def test_a_photos_metadata_is_removed(kind):
    before = uploaded_files.photo(kind)
    assert Image.open(io.BytesIO(before)).getexif().get_ifd(uploaded_files.GPS)
    taken = uploads.clean_upload(before)
    after = opened(taken)
    assert not after.getexif()
    assert not {"exif", "comment", "xmp", "icc_profile"} & after.info.keys()
    assert b"CANARYPHONE" in before
    assert b"CANARYPHONE" not in taken.data
    assert b"Exif" not in taken.data
    assert taken.content_type == ("image/png" if kind == "PNG" else "image/jpeg")
    assert after.size == (640, 480)


def test_a_photo_is_rotated_upright():
    taken = opened(uploads.clean_upload(uploaded_files.photo(turned=6)))
    assert taken.size == (480, 640)
    red, _green, blue = taken.getpixel((400, 20))  # the corner that was at the top left is at the top right
    assert blue > red + 60


def test_a_photo_whose_marks_are_of_another_type_is_refused_in_a_sentence():
    """Its upright mark is right, and its width of a pixel is a text: a library stumbles over that with a TypeError."""
    marks = struct.pack(">HHLHH", 0x0112, 3, 1, 6, 0) + struct.pack(">HHL4s", 0x011A, 7, 4, b"wide")
    written = io.BytesIO()
    exif = b"Exif\0\0MM\0*" + struct.pack(">LH", 8, 2) + marks + bytes(4)
    Image.new("RGB", (40, 30)).save(written, "JPEG", exif=exif)
    with pytest.raises(ValidationError, match="not a photo"):
        uploads.clean_upload(written.getvalue())


@pytest.mark.parametrize(
    "error", [TypeError, KeyError, IndexError, struct.error, AttributeError, OverflowError]
)
@pytest.mark.parametrize(
    ("data", "place"),
    [(uploaded_files.photo(), "core.cleaner._reencoded"), (uploaded_files.pdf(), "core.cleaner.remade")],
)
def test_whatever_a_library_stumbles_over_is_a_refusal(monkeypatch, data, place, error):
    def stumbles(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(place, stumbles)
    with pytest.raises(cleaner.Refused):
        cleaner.cleaned(data)


def test_a_large_photo_is_scaled_down():
    taken = opened(uploads.clean_upload(uploaded_files.photo(size=(6000, 3000))))
    assert taken.size == (cleaner.LONGEST_SIDE, cleaner.LONGEST_SIDE // 2)


def test_transparent_pixels_become_white():
    assert opened(uploads.clean_upload(uploaded_files.clear_picture())).getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!DOCTYPE html><script>alert(1)</script>",
        b"\xff\xd8\xff\xe0<html><script>alert(1)</script>",
        b"GIF89a\x01\x00\x01\x00/*<script>*/",
        b"MZ\x90\x00 a program",
        b"PK\x03\x04 an archive",
        b"only words",
        b"%!PS-Adobe-3.0\n",
        uploaded_files.photo()[:900],
        uploaded_files.EICAR,
    ],
)
def test_a_file_that_is_neither_photo_nor_pdf_is_refused(data):
    with pytest.raises(ValidationError):
        uploads.clean_upload(data)


def test_data_after_a_photo_are_removed():
    taken = uploads.clean_upload(uploaded_files.photo() + b"<script>CANARYBEHIND</script>" + zipped())
    assert b"CANARYBEHIND" not in taken.data
    assert b"PK\x03\x04" not in taken.data


@pytest.mark.parametrize(
    "data",
    [
        uploaded_files.pdf() + zipped(),
        uploaded_files.pdf(carried=zipped("only words")),
        zipped() + uploaded_files.pdf(),
        uploaded_files.pdf() + b"<script>alert(1)</script>",
        b"<html><!--" + uploaded_files.pdf() + b"-->",
        b"\n" + uploaded_files.pdf(),
        b"%PDF-1.7 <script>alert(1)</script>\n" + uploaded_files.pdf()[9:],
        b"GIF89a" + uploaded_files.pdf(),
        b"%PDF-1.7\nno objects\n%%EOF\n",
        uploaded_files.pdf()[:300] + b"\n%%EOF",
    ],
)
def test_a_broken_or_ambiguous_pdf_is_refused(data):
    with pytest.raises(ValidationError):
        uploads.clean_upload(data)


def test_a_pdf_keeps_its_pages_and_no_code():
    before = uploaded_files.acting_pdf()
    for canary in (b"CANARYSCRIPT", b"CANARYCARRIED", b"CANARYLINK", b"CANARYAUTHOR", b"CANARYINSIDE"):
        assert canary in before, canary
    taken = uploads.clean_upload(before)
    after = pikepdf.open(io.BytesIO(taken.data))
    assert taken.content_type == "application/pdf"
    assert len(after.pages) == 1
    assert b"Letter of the ward" in after.pages[0].Contents.read_bytes()
    plain = io.BytesIO()
    after.save(
        plain,
        stream_decode_level=pikepdf.StreamDecodeLevel.generalized,
        compress_streams=False,
        object_stream_mode=pikepdf.ObjectStreamMode.disable,
    )
    assert b"CANARY" not in plain.getvalue()
    assert b"/JavaScript" not in plain.getvalue()
    (picture,) = after.pages[0].get_images().values()
    assert pikepdf.PdfImage(picture).as_pil_image().size == (640, 480)


def test_text_typed_into_a_pdf_form_is_kept():
    after = pikepdf.open(io.BytesIO(uploads.clean_upload(uploaded_files.filled_form()).data))
    assert "/AcroForm" not in after.Root
    assert "/Annots" not in after.pages[0].obj
    drawn = [part.read_bytes() for part in after.objects if isinstance(part, pikepdf.Stream)]
    assert any(b"Typed in Banke" in part for part in drawn)


def test_a_pdf_with_a_password_or_too_many_pages_is_refused():
    with pytest.raises(ValidationError, match="password"):
        uploads.clean_upload(uploaded_files.locked_pdf())
    with pytest.raises(ValidationError, match="300"):
        uploads.clean_upload(uploaded_files.pdf(pages=MOST_PAGES + 1))


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_drawn():
    written = io.BytesIO()
    Image.new("1", (10_000, 9_000)).save(written, "PNG")
    assert len(written.getvalue()) < 100_000
    with pytest.raises(ValidationError, match="too large"):
        uploads.clean_upload(written.getvalue())


def of_operands() -> bytes:
    """Return a PDF of 20 kB whose only content takes two gigabytes to be read."""
    with pikepdf.open(io.BytesIO(uploaded_files.pdf())) as pdf:
        pdf.pages[0].obj.Contents = pdf.make_stream(b"0 " * 10_000_000)
        written = io.BytesIO()
        pdf.save(written)
    return written.getvalue()


def of_scans() -> bytes:
    """Return a progressive photo of one colour whose last scan is repeated 1000 times: each goes over all
    pixels again.
    """
    written = io.BytesIO()
    Image.new("L", (8000, 8000), 7).save(written, "JPEG", progressive=True)
    whole = written.getvalue()
    last = whole.rindex(b"\xff\xda")
    return whole[:last] + whole[last:-2] * 1000 + whole[-2:]


def test_a_file_that_needs_too_much_memory_is_refused_and_this_process_is_untouched():
    data = of_operands()
    assert len(data) < 50_000
    with pytest.raises(ValidationError, match="too long or too much memory"):
        uploads.clean_upload(data)


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS sets no limit on memory")
def test_the_limit_of_memory_is_the_one_that_is_set(monkeypatch):
    photo = uploaded_files.photo(size=(6000, 6000))
    assert uploads.clean_upload(photo)
    monkeypatch.setattr(uploads, "MEMORY", 100 * 1024 * 1024)
    with pytest.raises(ValidationError, match="too long or too much memory"):
        uploads.clean_upload(photo)


def test_a_file_that_needs_too_much_processor_time_is_refused(monkeypatch):
    monkeypatch.setattr(uploads, "SECONDS", 1)
    monkeypatch.setattr(uploads, "LONGEST", 300)  # so that the clock alone doesn't refuse it
    with pytest.raises(ValidationError, match="too long or too much memory"):
        uploads.clean_upload(of_scans())


def test_a_file_that_takes_too_long_by_the_clock_is_refused(monkeypatch):
    monkeypatch.setattr(uploads, "LONGEST", 0.01)
    with pytest.raises(ValidationError, match="too long or too much memory"):
        uploads.clean_upload(uploaded_files.photo())


def test_cleaning_needs_no_settings_no_database_and_no_keys():
    code = "import sys; from core.cleaner import answer, serve; serve(answer); assert 'django' not in sys.modules"
    ended = subprocess.run(
        [sys.executable, "-c", code, "1000000000", "10"],
        input=uploaded_files.photo(),
        capture_output=True,
        cwd=limited.ROOT,
        env={},
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout.startswith(b"image/jpeg\n\xff\xd8")


def test_an_error_in_the_cleaner_is_not_reported_as_a_refusal(monkeypatch):
    monkeypatch.setattr(uploads, "MEMORY", "no number")
    with pytest.raises(RuntimeError, match="cleaner failed"):
        uploads.clean_upload(uploaded_files.photo())


def test_a_file_is_refused_by_its_actual_size():
    with pytest.raises(ValidationError, match="20 MB"):
        uploads.check_size(uploads.LARGEST + 1)


def test_stored_files_are_private_and_have_random_names(settings):
    name = files.keep(b"encrypted")
    path = Path(settings.MEDIA_ROOT) / name
    assert files.content(name) == b"encrypted"
    assert name != files.keep(b"encrypted")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(files.older_than(clock.now() + timedelta(seconds=5)))
    assert not list(files.older_than(clock.now() - timedelta(minutes=5)))
    files.remove(name)
    files.remove(name)
    assert not path.exists()


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "aa/../" + "b" * 62, "aa/" + "b" * 61, ""]
)
def test_only_generated_file_names_are_opened(name):
    with pytest.raises(ValueError, match="name"):
        files.content(name)


def test_a_file_is_sent_as_an_attachment():
    answer = files.attachment_response(b"x", name="कागज\r\n.pdf", content_type="application/pdf")
    assert answer["Content-Disposition"].startswith("attachment;")
    assert "\n" not in answer["Content-Disposition"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert answer["Cache-Control"] == "no-store"
