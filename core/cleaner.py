"""Clean one uploaded file in a limited process (`core.limited`), which `core.uploads` starts."""

import io
import re
from enum import StrEnum

import pikepdf
from PIL import Image, ImageOps

from core.limited import serve
from core.pdf.document import HiddenLayers, WrongPages, remade
from core.pdf.rules import TooMuch, Unsupported

# A cleaned file can be larger than the upload: at most twice as large, or by this many bytes.
MOST_GROWTH, SMALL = 2, 1024 * 1024
MOST_PIXELS = 80_000_000  # a phone's largest photo; more would fill the memory
LONGEST_SIDE = 3000  # pixels: the print on a photographed page stays readable
HEAD = 1024

Image.MAX_IMAGE_PIXELS = None  # Pillow's own limit only warns; ours is checked before decoding
PHOTOS = {"JPEG", "PNG", "WEBP"}
# Signatures of other formats: a PDF that is also an HTML page, script or program was made to deceive.
OTHER_KINDS = re.compile(rb"<(!doctype|html|svg|script|\?php|\?xml)|\bMZ\x90\x00|\x7fELF", re.IGNORECASE)


class Why(StrEnum):
    """Why a file is refused; `core.uploads` has the message for each."""

    NO_PHOTO = "no photo"
    PIXELS = "pixels"
    TWO_THINGS = "two things"
    PASSWORD = "password"  # noqa: S105 - a word, and no password
    PAGES = "pages"
    LAYERS = "layers"
    TOO_MUCH = "too much"
    UNSUPPORTED = "unsupported"
    DAMAGED = "damaged"
    LIMITS = "limits"
    BUSY = "busy"


class Refused(ValueError):
    """The file is refused; `why` is the reason."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


def cleaned(data: bytes) -> tuple[str, bytes]:
    """Return the content type and the bytes of the cleaned file. Raises Refused."""
    found = _pdf(data) if data[:HEAD].find(b"%PDF-") >= 0 else _photo(data)
    if len(found[1]) > max(MOST_GROWTH * len(data), len(data) + SMALL):
        raise Refused(Why.LIMITS)
    return found


def _photo(data: bytes) -> tuple[str, bytes]:
    try:
        with Image.open(io.BytesIO(data), formats=sorted(PHOTOS)) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Refused(Why.PIXELS)
            is_photo = image.format != "PNG"
            # First, so that all else is done to fewer pixels.
            image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            return _reencoded(ImageOps.exif_transpose(image), is_photo=is_photo)
    except Refused:
        raise
    except MemoryError:
        raise
    except Exception as error:  # a damaged file can raise anything
        raise Refused(Why.NO_PHOTO) from error


def _reencoded(image: Image.Image, *, is_photo: bool) -> tuple[str, bytes]:
    """Return content type and bytes of a new file with the pixels only; transparent parts become white."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        background = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(background, image)
    bare = Image.new("RGB", image.size)
    bare.paste(image.convert("RGB"))
    written = io.BytesIO()
    if is_photo:
        bare.save(written, "JPEG", quality=85, optimize=True)
        return "image/jpeg", written.getvalue()
    bare.save(written, "PNG", optimize=True)
    return "image/png", written.getvalue()


def _pdf(data: bytes) -> tuple[str, bytes]:
    if (
        not data.startswith(b"%PDF-")
        or not data.rstrip(b"\r\n\t \x00").endswith(b"%%EOF")
        or _is_two_things(data)
    ):
        raise Refused(Why.TWO_THINGS)
    try:
        return "application/pdf", remade(data)
    except pikepdf.PasswordError as error:
        raise Refused(Why.PASSWORD) from error
    except WrongPages as error:
        raise Refused(Why.PAGES) from error
    except HiddenLayers as error:
        raise Refused(Why.LAYERS) from error
    except TooMuch as error:
        raise Refused(Why.TOO_MUCH) from error
    except Unsupported as error:
        raise Refused(Why.UNSUPPORTED) from error
    except MemoryError:
        raise
    except Exception as error:  # a damaged file can raise anything
        raise Refused(Why.DAMAGED) from error


def _is_two_things(data: bytes) -> bool:
    """Return whether the file is also an HTML page, a program, or an archive, which is read from its end."""
    return bool(OTHER_KINDS.search(data[:HEAD])) or b"PK\x05\x06" in data


def answer(data: bytes) -> bytes:
    """Return a line with the content type and the cleaned file, or a line with the reason of a refusal."""
    try:
        content_type, clean = cleaned(data)
    except Refused as refused:
        return f"refused {refused.why}\n".encode()
    return f"{content_type}\n".encode() + clean


if __name__ == "__main__":
    serve(answer)
