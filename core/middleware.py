"""Middleware: the request's transaction and database context, denials on record, compression and cache headers.

The transaction opens here and not through `ATOMIC_REQUESTS`, because the context is local to the transaction and must
be set before the view's first query.
"""

from collections.abc import Iterable, Iterator
from uuid import UUID

from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import SuspiciousOperation
from django.db import transaction
from django.http import UnreadablePostError
from django.middleware.gzip import GZipMiddleware

from core import audit
from core.clock import now
from core.context import enter, enter_as, entered_as
from core.denials import record_denial

SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")


class DatabaseContext:
    """Run the request in one transaction as its user, and roll back if the view raised or returned an error status.

    The body is read first: whoever sends it slowly is asked for their session afterwards, and keeps no transaction
    open. A request that changes something keeps its session from ending until it is done, and acts for nobody if the
    session has ended. A streamed response is produced after that transaction, in a transaction of its own.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Run the view in the transaction, and add the audit events that are still pending."""
        changes = request.method not in SAFE_METHODS
        if changes:
            _read_body(request)
        user = request.user  # read before the transaction: sessions live outside it
        with transaction.atomic():
            if changes and user.is_authenticated and not request.session.keep_from_ending():
                logout(request)
                user = request.user
            if user.is_authenticated:
                enter_as(user)
            else:
                enter(None)
            response = self.get_response(request)
            if response.status_code >= 400 or getattr(request, "view_raised", False):
                transaction.set_rollback(True)
                return response
            if response.status_code == 200:
                audit.record_shown(request)
            audit.record_remaining(by=user if user.is_authenticated else None)
            if response.streaming:  # as whom the view acted: for an API token only the view knows the user
                response.streaming_content = _streamed(response.streaming_content, as_user_id=entered_as())
        return response

    def process_exception(self, request, exception):
        """Note that the view raised."""
        request.view_raised = True


def _read_body(request) -> None:
    """Read the form or text that was sent; the view answers a broken connection, and what is too large.

    The API takes no form, and answers 415 as long as nobody has parsed one.
    """
    try:
        if request.content_type == "multipart/form-data" and not request.path.startswith("/api/"):
            request.POST  # noqa: B018 - is read now
        elif int(request.META.get("CONTENT_LENGTH") or 0) <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            request.body  # noqa: B018
    except UnreadablePostError:
        pass


def _streamed(chunks: Iterable[bytes], *, as_user_id: UUID | None) -> Iterator[bytes]:
    """Yield the chunks inside a transaction that acts for the same user, with rights as they are now.

    Without a context the access policies would show no row, and the stream would end early without an error. An error
    or a closed connection rolls the transaction back.
    """
    with transaction.atomic():
        enter(as_user_id)
        yield from chunks


class DenialRecord:
    """Record refusals after the request's rollback, in a transaction of their own."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Record a 403, a 404 or a suspicious request of a signed-in user."""
        response = self.get_response(request)
        is_refused = response.status_code in (403, 404) or getattr(request, "was_suspicious", False)
        if is_refused and request.user.is_authenticated:
            with transaction.atomic():
                enter(request.user.pk)
                record_denial(
                    user_id=request.user.pk,
                    detail={
                        "status": response.status_code,
                        "method": request.method,
                        "path": request.path[:300].replace("\x00", ""),  # jsonb holds no NUL
                    },
                    now=now(),
                )
        return response

    def process_exception(self, request, exception):
        """Note a SuspiciousOperation, which Django answers with status 400."""
        request.was_suspicious = isinstance(exception, SuspiciousOperation)


class CompressedPages(GZipMiddleware):
    """Compress HTML pages, except those that another site made the browser request.

    The length of a compressed page can reveal whether a guessed text is on it (BREACH). Only another site could send
    guesses, and browsers mark such requests; the random bytes that Django adds hide lengths from other observers. Files
    and exports are encrypted or compressed already, and streamed responses are sent as they are produced.
    """

    def process_response(self, request, response):
        """Compress the response if it is a page of our own that isn't streamed."""
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        from_other_site = request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")
        if not is_page or response.streaming or from_other_site:
            return response
        return super().process_response(request, response)


class PrivatePages:
    """Forbid caching of pages and set isolation headers. Static files are answered before this middleware."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Set the headers; a Cache-Control that the view has set is kept."""
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        )
        return response
