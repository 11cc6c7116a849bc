"""What comes in as a file: photos and PDFs, known by what they are and not by what they are called.

A photo is drawn anew, which leaves out where and with what it was taken and whatever else lay in the file; a PDF is
made anew from what its pages draw (`core.pdf`). Both happen in a process with limits (`core.cleaner`), two at a time.
What somebody called the file is never kept.
"""

import fcntl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.cleaner import Refused, Why

LARGEST = 20 * 1024 * 1024  # bytes
# What one file may cost. A phone's largest photo takes 450 MB and 3 seconds, 300 pages one second.
MEMORY = 1024 * 1024 * 1024  # bytes
SECONDS = 12  # of the processor
LONGEST = 15  # seconds by the clock; with the wait it stays below the 30 after which gunicorn ends a worker
LONGEST_WAIT = 8  # seconds for one of the two places
ROOT = Path(__file__).parent.parent
# Two files are cleaned at a time, whatever the number of web workers: each holds a lock on one of these, which are
# there anyway. The system lets go of it when the process ends, however it ends.
LOCK_FILES = [ROOT / "core" / "cleaner.py", ROOT / "core" / "uploads.py"]

EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "application/pdf": "pdf"}
REFUSALS = {
    Why.NO_PHOTO: gettext_lazy("This is not a photo (JPEG, PNG or WebP) or a PDF, or it is damaged."),
    Why.PIXELS: gettext_lazy("This picture is too large. Take the photo again at a smaller size."),
    Why.TWO_THINGS: gettext_lazy(
        "This file is more than just a PDF. Print it to PDF again, or photograph it."
    ),
    Why.PASSWORD: gettext_lazy("This PDF asks for a password. Save it without one."),
    Why.PAGES: gettext_lazy(
        "This PDF has no pages, or more than 300. Upload only the pages that are needed."
    ),
    Why.LAYERS: gettext_lazy("This PDF has hidden layers. Print it to PDF again, as it should be seen."),
    Why.TOO_MUCH: gettext_lazy(
        "This PDF is too complex to be checked. Print its pages to PDF again, or photograph them."
    ),
    Why.UNSUPPORTED: gettext_lazy(
        "This PDF has a kind of picture that can't be checked. Print it to PDF again, or photograph it."
    ),
    Why.DAMAGED: gettext_lazy("This PDF is damaged. Print it to PDF again, or photograph it."),
    Why.LIMITS: gettext_lazy(
        "Checking this file takes too long or too much memory. Take the photo again at a "
        "smaller size, or print it to PDF again."
    ),
    Why.BUSY: gettext_lazy("Other files are being checked just now. Upload this one again in a minute."),
}


class CleanFile(NamedTuple):
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
        raise ValidationError(_("This file is larger than 20 MB. Take the photo again at a smaller size."))
    if not size:
        raise ValidationError(_("This file is empty."))


def clean_upload(data: bytes) -> CleanFile:
    """A file cleaned of all that nobody meant to hand in, or a refusal in a sentence."""
    check_size(len(data))
    try:
        with _place():
            return _cleaned_apart(data)
    except Refused as refused:
        raise ValidationError(str(REFUSALS[refused.why])) from refused


def _cleaned_apart(data: bytes) -> CleanFile:
    """Have `core.cleaner` clean the file. What ends the process from outside is a limit, or a library that crashed."""
    command = [sys.executable, "-B", "-E", "-s", "-m", "core.cleaner", str(MEMORY), str(SECONDS)]
    try:
        ended = subprocess.run(  # noqa: S603 - our own program and two numbers
            command, input=data, capture_output=True, cwd=ROOT, env={}, timeout=LONGEST, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Refused(Why.LIMITS) from error
    if ended.returncode < 0:
        raise Refused(Why.LIMITS)
    if ended.returncode:
        raise RuntimeError(f"core.cleaner failed: {ended.stderr.decode(errors='replace')}")
    head, kept = ended.stdout.split(b"\n", 1)
    content_type = head.decode()
    if content_type.startswith("refused "):
        raise Refused(Why(content_type.removeprefix("refused ")))
    return CleanFile(kept, content_type)


@contextmanager
def _place() -> Iterator[None]:
    """One of the places in which files are cleaned; raises `Refused` when none gets free."""
    until = time.monotonic() + LONGEST_WAIT
    with ExitStack() as opened:
        places = [opened.enter_context(path.open("rb")) for path in LOCK_FILES]
        while not any(_is_locked(place) for place in places):
            if time.monotonic() >= until:
                raise Refused(Why.BUSY)
            time.sleep(0.05)
        yield


def _is_locked(place) -> bool:
    """Lock the file, if nobody has; it is let go of when it is closed."""
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
