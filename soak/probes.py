"""The site's addresses, and three that fail in the middle of a request that has read the user's cases."""

from collections.abc import Iterator

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from beneficiaries.models import CaseFile
from iom_cases.urls import handler404  # noqa: F401 - Django looks for it here
from iom_cases.urls import urlpatterns as site_urlpatterns


def _narratives(request: HttpRequest) -> list[str]:
    return list(CaseFile.objects.visible_to(request.user).values_list("narrative", flat=True))


def fail(request: HttpRequest) -> HttpResponse:
    """Raise after reading: the transaction is rolled back."""
    raise RuntimeError(f"raised after {len(_narratives(request))} rows")


def break_statement(request: HttpRequest) -> HttpResponse:
    """Run a statement that PostgreSQL refuses, caught or not: the transaction is lost either way."""
    narratives = _narratives(request)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT no_such_column FROM beneficiaries_case")
    except DatabaseError:
        if "caught" not in request.GET:
            raise
    return HttpResponse("\n".join(narratives))


def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Send rows read in the request piece by piece, then what a later query still finds."""
    narratives = _narratives(request)

    def pieces() -> Iterator[str]:
        yield from narratives
        yield "late:"
        yield from (file.narrative for file in CaseFile.objects.all())

    return StreamingHttpResponse(pieces())


urlpatterns = [
    path("soak/fail/", fail),
    path("soak/break/", break_statement),
    path("soak/stream/", stream),
    *site_urlpatterns,
]
