"""The current time in Nepal, where days begin, whatever the server's time zone."""

from datetime import datetime

from django.utils import timezone


def now() -> datetime:
    """Return the current aware datetime in Nepal's time zone, so `now().date()` is today's date in Nepal."""
    return timezone.localtime()
