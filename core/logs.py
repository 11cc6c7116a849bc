"""What logs hold: which page and how it went; no name, telephone, case reference or one-time link.

An address is told by its route (`cases/<str:reference>/`), an error by its class, its place in the code and its message
without the values in it.
"""

import logging
import re
import traceback
from types import TracebackType

from django.core.exceptions import SuspiciousOperation
from django.urls import Resolver404, resolve

# A path, or an address with its host; not where gunicorn says at its start what it listens at.
ADDRESS = re.compile(r"(?<![\w/.:])(?<!Listening at: )(?:https?:/)?/[^\s'\"]*", re.IGNORECASE)
HOST = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
# In a message of an error: where a value may begin, unless a name of ours stands there in quotes.
VALUE = re.compile(r"(?P<name>['\"][a-z]+(_[a-z0-9]+)+['\"])|['\"(\[{]|\d{3,}")


def route_of(path: str) -> str:
    """The route of a path or address; "–" where there is none, as it may say anything."""
    path = HOST.sub("", path, count=1) if HOST.match(path) else path
    if path.startswith("/static/"):
        return "static/…"
    try:
        return resolve(path.partition("?")[0]).route or "/"
    except Resolver404:
        return "–"


def without_addresses(text: str) -> str:
    """A line with the route as each address."""
    return ADDRESS.sub(lambda found: route_of(found[0]), text)


def without_values(message: str) -> str:
    """What an error says, up to the first value; names of constraints and columns stay."""
    first = message.partition("\n")[0]
    for found in VALUE.finditer(first):
        if not found["name"]:
            return f"{first[: found.start()]}…"
    return first


class LineFormatter(logging.Formatter):
    """A line without addresses where the web's own loggers write it, and errors without values."""

    web = ("django.request", "django.server", "django.security", "gunicorn")

    def formatMessage(self, record: logging.LogRecord) -> str:
        if record.name.startswith(self.web):
            record.message = without_addresses(record.message)
        if record.name.startswith("django.security"):
            record.message = "refused"  # the logger's name says why, and the message what somebody typed
        if record.name.startswith("celery") and record.exc_info:
            record.message = record.message.partition(":")[0]  # what follows repeats the error
        return super().formatMessage(record)

    def formatException(self, ei: tuple) -> str:
        return format_error(*ei)


def format_error(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> str:
    """A traceback: where, and of which class; causes come first, as Python prints them."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = format_error(type(cause), cause, cause.__traceback__) + "\n" if cause else ""
    said = (
        "" if isinstance(error, SuspiciousOperation) else without_values(str(error))
    )  # it repeats what was typed
    frames = [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(trace)]
    return before + "\n".join([*frames, f"{kind.__module__}.{kind.__qualname__}: {said}"])
