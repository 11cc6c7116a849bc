"""Where the settings' environment comes from.

A server sets its variables itself. On a developer's machine `make run` writes them to
`.local/env`, so that `.venv/bin/python manage.py …` reaches the local stack without ceremony.
"""

import os
from pathlib import Path

LOCAL_FILE = Path(__file__).resolve().parent.parent / ".local" / "env"


def prepare() -> None:
    """Name the settings module and, where no DATABASE_URL is set, read the local stack's variables."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iom_cases.settings")
    if "DATABASE_URL" not in os.environ and LOCAL_FILE.is_file():
        for line in LOCAL_FILE.read_text(encoding="utf-8").splitlines():
            name, separator, value = line.partition("=")
            if separator:
                os.environ.setdefault(name, value)
