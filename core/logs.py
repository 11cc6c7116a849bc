"""Log formatting without personal data: no names, telephone numbers, case references or one-time links.

A request is logged by its route (`cases/<str:reference>/`), which is taken from the request and never searched for in a
text: an address can contain anything. An error is logged with its class, its place in the code and its message without
the values in it.
"""

import logging
import re
import traceback
from http.client import responses
from types import TracebackType

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.urls import Resolver404, resolve

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
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


def line_of(request_line: str) -> str:
    """Return the method and the route of the first line of a request, such as `GET /cases/ HTTP/1.1`."""
    method, _blank, rest = request_line.partition(" ")
    return f"{known_method(method)} {route_of(rest.rpartition(' ')[0])}"


def known_method(method: str) -> str:
    """Return the method; "–" for an unknown one, as it may be anything."""
    return method if method in METHODS else "–"


def without_values(message: str) -> str:
    """Return an error message up to the first value; names of constraints and columns are kept."""
    first = message.partition("\n")[0]
    for found in VALUE.finditer(first):
        if not found["name"]:
            return f"{first[: found.start()]}…"
    return first


class LineFormatter(logging.Formatter):
    """Writes lines of web loggers without the texts of their requests, and errors without values."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Shorten the message, depending on its logger."""
        if record.name.startswith("django.security"):
            record.message = "refused"  # the message contains what was typed; the logger's name is the reason
        elif record.name.startswith(("django.request", "django.server")):
            record.message = _without_address(record)
        elif record.name.startswith("celery") and record.exc_info:
            record.message = record.message.partition(":")[0]  # what follows repeats the error
        return super().formatMessage(record)

    def formatException(self, ei: tuple) -> str:
        """Use `format_error`."""
        return format_error(*ei)


def _without_address(record: logging.LogRecord) -> str:
    """Return a message of Django's about a request: status and route."""
    request = getattr(record, "request", None)
    if isinstance(request, HttpRequest):
        status = getattr(record, "status_code", 0)
        return f"{responses.get(status, status)}: {route_of(request.path_info)}"
    if record.msg == '"%s" %s %s' and isinstance(record.args, tuple):  # of runserver
        line, status, size = record.args
        return f'"{line_of(str(line))}" {status} {size}'
    return str(record.msg)  # without its arguments


def format_error(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> str:
    """Return a traceback with places and classes but no values; causes come first, as in Python's own."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = format_error(type(cause), cause, cause.__traceback__) + "\n" if cause else ""
    # The messages of these repeat what was sent.
    message = (
        "" if isinstance(error, SuspiciousOperation | MultiPartParserError) else without_values(str(error))
    )
    frames = [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(trace)]
    return before + "\n".join([*frames, f"{kind.__module__}.{kind.__qualname__}: {message}"])
