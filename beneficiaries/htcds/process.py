"""The program of the limited process in which `reader` reads a workbook; of the settings it has only the language."""

import json
from pathlib import Path

import django
from django.conf import settings
from django.utils import translation

from beneficiaries.htcds.bounds import NotHtcds
from beneficiaries.htcds.reader import encoded
from beneficiaries.htcds.workbook import read_workbook
from core.limited import ROOT, serve


def answer(_data: bytes, path: str, language: str) -> bytes:
    """Return the table, or why it can't be read, as JSON."""
    try:
        with translation.override(language):
            return encoded(read_workbook(Path(path)))
    except NotHtcds as refused:
        return json.dumps({"refused": str(refused)}).encode()


if __name__ == "__main__":
    settings.configure(LOCALE_PATHS=[ROOT / "locale"])
    django.setup()
    serve(answer)
