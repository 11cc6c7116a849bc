"""The request's frame: one transaction, entered as the person who signed in.

The transaction opens here and not in `ATOMIC_REQUESTS`, because the context is transaction-local and
must stand before the view's first query.
"""

from collections.abc import Iterable, Iterator
from uuid import UUID

from django.core.exceptions import SuspiciousOperation
from django.db import transaction
from django.middleware.gzip import GZipMiddleware

from core import audit
from core.clock import now
from core.context import enter, entered_as
from core.denials import record_denial


class DatabaseContext:
    """Open the request's transaction, enter as its user, and roll back when the view raised or failed.

    What is streamed is made after that transaction, and gets one of its own.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        user = request.user  # read before the transaction: sessions live outside it
        with transaction.atomic():
            enter(user.pk if user.is_authenticated else None)
            response = self.get_response(request)
            if response.status_code >= 400 or getattr(request, "view_raised", False):
                transaction.set_rollback(True)
                return response
            if response.status_code == 200:
                audit.record_shown(request)
            audit.record_remaining(by=user if user.is_authenticated else None)
            if response.streaming:  # whoever the view stood for: a program's person is known only there
                response.streaming_content = _streamed(response.streaming_content, as_user_id=entered_as())
        return response

    def process_exception(self, request, exception):
        request.view_raised = True


def _streamed(chunks: Iterable[bytes], *, as_user_id: UUID | None) -> Iterator[bytes]:
    """The chunks, made in a transaction entered as the same person, whose rights are asked for anew.

    Without it the access policies would show no row, and the stream would end early without a word. An error, or a
    reader who leaves, rolls it back.
    """
    with transaction.atomic():
        enter(as_user_id)
        yield from chunks


class DenialRecord:
    """Record refusals after the request's rollback, in a transaction of their own."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
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
        request.was_suspicious = isinstance(exception, SuspiciousOperation)  # answered by 400


class CompressedPages(GZipMiddleware):
    """Compress HTML, but for a page that another site made the browser ask for.

    What compresses well tells by its length whether a guess stands on the page (BREACH). Only another site could send
    guesses, and browsers say that it does; Django's random bytes make lengths useless to the rest. Files and exports
    are encrypted or packed already, and what is streamed goes out as it is made.
    """

    def process_response(self, request, response):
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        by_another = request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")
        if not is_page or response.streaming or by_another:
            return response
        return super().process_response(request, response)


class PrivatePages:
    """Keep pages out of shared and disk caches; static files set their own headers before this."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        )
        return response
