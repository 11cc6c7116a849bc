"""Storage of uploaded and exported files: in a folder that has no URL, under random names.

Callers store only encrypted data, so a stolen folder reveals nothing. The folder is `FILES_PATH`; `core.backup` copies
it with the database.
"""

import os
import re
import secrets
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.http import HttpResponse
from django.utils.http import content_disposition_header

NAME = re.compile(r"[0-9a-f]{2}/[0-9a-f]{62}")


def keep(data: bytes) -> str:
    """Write a file that only the site's system user can read, and return its name: 256 random bits."""
    token = secrets.token_hex(32)
    name = f"{token[:2]}/{token[2:]}"
    path = _path(name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(path, "xb", opener=lambda where, flags: os.open(where, flags, 0o600)) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return name


def content(name: str) -> bytes:
    """Return the bytes of a file."""
    return _path(name).read_bytes()


def remove(name: str) -> None:
    """Delete a file. It is no error if it was deleted already."""
    _path(name).unlink(missing_ok=True)


def older_than(moment: datetime) -> Iterator[str]:
    """Yield the names of files that were written before `moment`."""
    root = Path(settings.MEDIA_ROOT)
    for path in root.glob("*/*"):
        name = str(path.relative_to(root))
        if NAME.fullmatch(name) and path.stat().st_mtime < moment.timestamp():
            yield name


def _path(name: str) -> Path:
    if not NAME.fullmatch(name):
        raise ValueError("this is no name that `keep` gave")
    return Path(settings.MEDIA_ROOT) / name


def attachment_response(data: bytes, *, name: str, content_type: str) -> HttpResponse:
    """Return a response that the browser saves and never displays within the site, whatever the file contains."""
    response = HttpResponse(data, content_type=content_type)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    response["Content-Security-Policy"] = (
        "default-src 'none'; sandbox"  # the CSP middleware doesn't replace it
    )
    return response
