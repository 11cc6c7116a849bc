"""Which browser the tests can drive."""

import shutil

CANDIDATES = ("/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome")


def executable() -> str | None:
    """The path of a Chromium; None where the machine has none."""
    return next((found for found in map(shutil.which, CANDIDATES) if found), None)


def why_not() -> str:
    """Why the browser tests can't run here; "" where they can."""
    return "" if executable() else "no Chromium found: apt-get install chromium"
