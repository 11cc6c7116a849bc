"""The environment variables for the settings.

A server sets them itself. On a developer's machine `make run` writes them to `.local/env`, so that
`.venv/bin/python manage.py …` uses the local stack.
"""

import os
from pathlib import Path

LOCAL_FILE = Path(__file__).resolve().parent.parent / ".local" / "env"


def prepare() -> None:
    """Set the settings module and, if DATABASE_URL isn't set, read the local stack's variables."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iom_cases.settings")
    if "DATABASE_URL" not in os.environ and LOCAL_FILE.is_file():
        for line in LOCAL_FILE.read_text(encoding="utf-8").splitlines():
            name, separator, value = line.partition("=")
            if separator:
                os.environ.setdefault(name, value)
