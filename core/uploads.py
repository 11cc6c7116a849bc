"""Uploaded files: photos and PDFs, recognised by their content and not by their name.

A photo is re-encoded from its pixels, which drops location, camera and anything else in the file; a PDF is rebuilt from
what its pages draw (`core.pdf`). Both happen in a process with limits (`core.cleaner`). The file's name is never
stored.
"""

from typing import NamedTuple

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import limited, slots
from core.cleaner import Refused, Why

LARGEST = 20 * 1024 * 1024  # bytes
# Limits for one file. A phone's largest photo takes 450 MB and 3 seconds, 300 pages take one second.
MEMORY = 1024 * 1024 * 1024  # bytes
SECONDS = 12  # of processor time
LONGEST = 15  # seconds of real time; with the wait below the 30 after which gunicorn kills a worker
PATIENCE = 2.0  # seconds to wait for a slot
# First numbers of the advisory locks that are slots for checking files, and of those of users who upload.
LOCKS, LOCKS_OF_USERS = 0x5A4C, 0x5A4D

REFUSED = "refused"  # code of the ValidationError for a file that was checked
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
    Why.LAYERS: gettext_lazy(
        "This PDF has hidden layers or a password field. Print it to PDF again, as it should be seen."
    ),
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
    """A cleaned file; its content type is a key of `EXTENSIONS`."""

    data: bytes
    content_type: str


class BoundedUpload(MemoryFileUploadHandler):
    """Keeps uploads in memory, so that they are never on a disk unencrypted; drops what exceeds `LARGEST`."""

    def handle_raw_input(self, input_data, META, content_length, boundary, encoding=None):
        """Handle files of every size: Django's handler leaves large ones to a temporary file."""
        self.activated = True

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep the chunk unless the file is too large by now; its size is still counted."""
        if start + len(raw_data) <= LARGEST:
            self.file.write(raw_data)


def check_size(size: int) -> None:
    """Raise ValidationError for a file that is too large or empty; `size` in bytes."""
    if size > LARGEST:
        raise ValidationError(_("This file is larger than 20 MB. Take the photo again at a smaller size."))
    if not size:
        raise ValidationError(_("This file is empty."))


def take_slot(user) -> None:
    """Hold one of `settings.UPLOAD_SLOTS`, and the user's own, until this transaction ends.

    A file can take 15 seconds. There are fewer slots than web workers, so that uploads never block all of them.
    Raises ValidationError if no slot is free.
    """
    try:
        slots.take_single(LOCKS_OF_USERS, name=str(user.pk))
        slots.take(LOCKS, slots=settings.UPLOAD_SLOTS, patience=PATIENCE)
    except slots.Busy as busy:
        raise ValidationError(str(REFUSALS[Why.BUSY])) from busy


def clean_upload(data: bytes) -> CleanFile:
    """Return the file cleaned of everything but its visible content. Raises ValidationError if it is refused."""
    check_size(len(data))
    try:
        return _clean_in_process(data)
    except Refused as refused:
        raise ValidationError(str(REFUSALS[refused.why]), code=REFUSED) from refused


def _clean_in_process(data: bytes) -> CleanFile:
    """Run `core.cleaner` on the file. Raises Refused."""
    try:
        answer = limited.run("core.cleaner", data=data, memory=MEMORY, seconds=SECONDS, longest=LONGEST)
    except limited.LimitReached as error:
        raise Refused(Why.LIMITS) from error
    head, clean = answer.split(b"\n", 1)
    content_type = head.decode()
    if content_type.startswith("refused "):
        raise Refused(Why(content_type.removeprefix("refused ")))
    return CleanFile(clean, content_type)
