"""Find the browser that the tests drive."""

import shutil

CANDIDATES = ("/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome")


def executable() -> str | None:
    """Return the path of a Chromium, or None if the machine has none."""
    return next((found for found in map(shutil.which, CANDIDATES) if found), None)


def why_not() -> str:
    """Return why the browser tests can't run here, or ""."""
    return "" if executable() else "no Chromium found: apt-get install chromium"
