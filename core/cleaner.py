"""Cleans one uploaded file in a process of its own: `python -m core.cleaner MEMORY SECONDS`.

What the libraries open was made by strangers: a few kilobytes can ask for gigabytes or hours, or crash a library. So
the file comes on standard input to a process that has limits, no database and no keys, and what is kept of the file
comes back on standard output below one line that says what it is. `core.uploads` starts it.
"""

import io
import re
import resource
import sys
import traceback
from enum import StrEnum

import pikepdf
from PIL import Image, ImageOps, UnidentifiedImageError

from core.pdf.document import HiddenLayers, WrongPages, remade
from core.pdf.rules import TooMuch, Unsupported

MOST_KEPT = 64 * 1024 * 1024  # bytes: what is drawn anew can be larger than what was uploaded, within reason
MOST_PIXELS = 80_000_000  # a phone's largest photo; what says to be more would fill the memory
LONGEST_SIDE = 3000  # pixels: print on a page of paper stays readable
HEAD = 1024

Image.MAX_IMAGE_PIXELS = None  # Pillow warns at a bound of its own; ours is asked before anything is drawn
PHOTOS = {"JPEG", "PNG", "WEBP"}
# What a reader of another kind would look for in a file that also is a photo or a PDF: it is taken for two things at
# once, and that is never an accident.
OTHER_KINDS = re.compile(rb"<(!doctype|html|svg|script|\?php|\?xml)|\bMZ\x90\x00|\x7fELF", re.IGNORECASE)


class Why(StrEnum):
    """Why a file is refused; `core.uploads` has the sentence for each."""

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
    """The file isn't taken; the argument is a `Why`."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


def cleaned(data: bytes) -> tuple[str, bytes]:
    """The content type and what is kept of the file; raises `Refused`."""
    kept = _pdf(data) if data[:HEAD].find(b"%PDF-") >= 0 else _photo(data)
    if len(kept[1]) > MOST_KEPT:
        raise Refused(Why.LIMITS)
    return kept


def _photo(data: bytes) -> tuple[str, bytes]:
    try:
        with Image.open(io.BytesIO(data), formats=sorted(PHOTOS)) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Refused(Why.PIXELS)
            is_photo = image.format != "PNG"
            image.thumbnail(
                (LONGEST_SIDE, LONGEST_SIDE)
            )  # first, so that nothing else is done to all the pixels
            return _drawn(ImageOps.exif_transpose(image), is_photo=is_photo)
    except Refused:
        raise
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise Refused(Why.NO_PHOTO) from error


def _drawn(image: Image.Image, *, is_photo: bool) -> tuple[str, bytes]:
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
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise Refused(Why.DAMAGED) from error


def _is_two_things(data: bytes) -> bool:
    """Whether it would open as a page or a program too, or as an archive, which is read from its end."""
    return bool(OTHER_KINDS.search(data[:HEAD])) or b"PK\x05\x06" in data


def limit(memory: int, seconds: int) -> None:
    """Bound this process: bytes of memory and seconds of the processor. It writes no file, not even when it crashes."""
    if sys.platform != "darwin":  # macOS refuses this limit; there the time alone bounds it
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    for nothing in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(nothing, (0, 0))


def main(memory: str, seconds: str) -> None:
    """Answer for the file on standard input; of an error of ours it says where it was, and not what the file holds."""
    limit(int(memory), int(seconds))
    try:
        head, data = cleaned(sys.stdin.buffer.read())
    except Refused as refused:
        head, data = f"refused {refused.why}", b""
    except MemoryError:
        head, data = f"refused {Why.LIMITS}", b""
    except Exception as error:
        sys.exit("".join(traceback.format_tb(error.__traceback__)) + type(error).__name__)
    sys.stdout.buffer.write(f"{head}\n".encode() + data)


if __name__ == "__main__":
    main(*sys.argv[1:])
