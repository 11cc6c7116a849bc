"""What time it is, in Nepal: days begin there, whatever the server thinks."""

from datetime import datetime

from django.utils import timezone


def now() -> datetime:
    """The moment, aware, in Nepal's time: `now().date()` is today's date on the caseworker's wall."""
    return timezone.localtime()
