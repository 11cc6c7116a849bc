"""Log formatting without personal data: no names, telephone numbers, case references or one-time links.

A URL is logged as its route (`cases/<str:reference>/`), an error as its class, its place in the code and its message
without the values in it.
"""

import logging
import re
import traceback
from types import TracebackType

from django.core.exceptions import SuspiciousOperation
from django.urls import Resolver404, resolve

# A path or a full URL, but not the one in gunicorn's "Listening at".
ADDRESS = re.compile(r"(?<![\w/.:])(?<!Listening at: )(?:https?:/)?/[^\s'\"]*", re.IGNORECASE)
HOST = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
# Where a value may begin in an error message; the group `name` matches a quoted identifier, which is no value.
VALUE = re.compile(r"(?P<name>['\"][a-z]+(_[a-z0-9]+)+['\"])|['\"(\[{]|\d{3,}")


def route_of(path: str) -> str:
    """Return the route of a path or URL; "–" if it matches none, as it may contain anything."""
    path = HOST.sub("", path, count=1) if HOST.match(path) else path
    if path.startswith("/static/"):
        return "static/…"
    try:
        return resolve(path.partition("?")[0]).route or "/"
    except Resolver404:
        return "–"


def without_addresses(text: str) -> str:
    """Return the line with each URL replaced by its route."""
    return ADDRESS.sub(lambda found: route_of(found[0]), text)


def without_values(message: str) -> str:
    """Return an error message up to the first value; names of constraints and columns are kept."""
    first = message.partition("\n")[0]
    for found in VALUE.finditer(first):
        if not found["name"]:
            return f"{first[: found.start()]}…"
    return first


class LineFormatter(logging.Formatter):
    """Removes URLs from the lines of web loggers, and values from errors."""

    web = ("django.request", "django.server", "django.security", "gunicorn")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Shorten the message, depending on its logger."""
        if record.name.startswith(self.web):
            record.message = without_addresses(record.message)
        if record.name.startswith("django.security"):
            record.message = "refused"  # the message contains what was typed; the logger's name is the reason
        if record.name.startswith("celery") and record.exc_info:
            record.message = record.message.partition(":")[0]  # what follows repeats the error
        return super().formatMessage(record)

    def formatException(self, ei: tuple) -> str:
        """Use `format_error`."""
        return format_error(*ei)


def format_error(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> str:
    """Return a traceback with places and classes but no values; causes come first, as in Python's own."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = format_error(type(cause), cause, cause.__traceback__) + "\n" if cause else ""
    # The message of a SuspiciousOperation repeats what was typed.
    message = "" if isinstance(error, SuspiciousOperation) else without_values(str(error))
    frames = [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(trace)]
    return before + "\n".join([*frames, f"{kind.__module__}.{kind.__qualname__}: {message}"])
