"""What comes in as a file: photos and PDFs, known by what they are and not by what they are called.

A photo is drawn anew, which leaves out where and with what it was taken and whatever else lay in the file; a PDF is
made anew from what its pages draw (`core.pdf`). What somebody called the file is never kept.
"""

import io
import re
from typing import NamedTuple

import pikepdf
from django.core.exceptions import ValidationError
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from core.pdf.document import HiddenLayers, WrongPages, remade
from core.pdf.rules import TooMuch, Unsupported

LARGEST = 20 * 1024 * 1024  # bytes
MOST_PIXELS = 80_000_000  # a phone's largest photo; what says to be more would fill the memory
LONGEST_SIDE = 3000  # pixels: print on a page of paper stays readable
HEAD = 1024

Image.MAX_IMAGE_PIXELS = None  # Pillow warns at a bound of its own; ours is asked before anything is drawn
PHOTOS = {"JPEG", "PNG", "WEBP"}
# What a reader of another kind would look for in a file that also is a photo or a PDF: it is taken for two things at
# once, and that is never an accident.
OTHER_KINDS = re.compile(rb"<(!doctype|html|svg|script|\?php|\?xml)|\bMZ\x90\x00|\x7fELF", re.IGNORECASE)


EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "application/pdf": "pdf"}


class Taken(NamedTuple):
    """A file as it is kept; its type is one of `EXTENSIONS`."""

    data: bytes
    content_type: str


class BoundedUpload(MemoryFileUploadHandler):
    """Files stay in memory and never touch a disk in clear; of one that is too big nothing is kept but its size."""

    def handle_raw_input(self, input_data, META, content_length, boundary, encoding=None):
        self.activated = True

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) <= LARGEST:
            self.file.write(raw_data)


def check_size(size: int) -> None:
    """Refuse what is too large or empty, by what was sent."""
    if size > LARGEST:
        raise ValidationError(_("This file is larger than 20 MB. Take the photo anew with fewer pixels."))
    if not size:
        raise ValidationError(_("This file is empty."))


def take_in(data: bytes) -> Taken:
    """A file cleaned of all that nobody meant to hand in, or a refusal in a sentence."""
    check_size(len(data))
    if data[:HEAD].find(b"%PDF-") >= 0:
        return _pdf(data)
    return _photo(data)


def _photo(data: bytes) -> Taken:
    try:
        with Image.open(io.BytesIO(data), formats=sorted(PHOTOS)) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValidationError(_("This picture has too many pixels. Take the photo anew with fewer."))
            drawn = ImageOps.exif_transpose(image)
            drawn.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            return _drawn(drawn, is_photo=image.format != "PNG")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise ValidationError(
            _("This is no photo (JPEG, PNG or WebP) and no PDF, or it is damaged.")
        ) from error


def _drawn(image: Image.Image, *, is_photo: bool) -> Taken:
    """The pixels alone, on a file of their own; white where a picture was clear."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image)
    bare = Image.new("RGB", image.size)
    bare.paste(image.convert("RGB"))
    written = io.BytesIO()
    if is_photo:
        bare.save(written, "JPEG", quality=85, optimize=True)
        return Taken(written.getvalue(), "image/jpeg")
    bare.save(written, "PNG", optimize=True)
    return Taken(written.getvalue(), "image/png")


def _pdf(data: bytes) -> Taken:
    if (
        not data.startswith(b"%PDF-")
        or not data.rstrip(b"\r\n\t \x00").endswith(b"%%EOF")
        or _is_two_things(data)
    ):
        raise ValidationError(
            _("This file is a PDF and something else at once. Print it to a PDF anew, or photograph it.")
        )
    try:
        return Taken(remade(data), "application/pdf")
    except pikepdf.PasswordError as error:
        raise ValidationError(_("This PDF asks for a password. Save it without one.")) from error
    except WrongPages as error:
        raise ValidationError(
            _("This PDF has no page, or more than 300. Hand in the pages that matter.")
        ) from error
    except HiddenLayers as error:
        raise ValidationError(
            _("This PDF has layers that are hidden. Print it to a PDF anew, as it should be seen.")
        ) from error
    except TooMuch as error:
        raise ValidationError(
            _("This PDF holds too much to be checked. Print its pages to a PDF anew, or photograph them.")
        ) from error
    except Unsupported as error:
        raise ValidationError(
            _(
                "This PDF has a picture of a kind that can't be checked. Print it to a PDF anew, or photograph it."
            )
        ) from error
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValidationError(_("This PDF is damaged. Print it to a PDF anew, or photograph it.")) from error


def _is_two_things(data: bytes) -> bool:
    """Whether it would open as a page or a program too, or as an archive, which is read from its end."""
    return bool(OTHER_KINDS.search(data[:HEAD])) or b"PK\x05\x06" in data
