"""The site's addresses, and three that go wrong in the middle of a request that has read the person's cases."""

from collections.abc import Iterator

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from beneficiaries.models import CaseFile
from iom_cases.urls import handler404  # noqa: F401 - Django looks for it here
from iom_cases.urls import urlpatterns as of_the_site


def _told(request: HttpRequest) -> list[str]:
    return list(CaseFile.objects.visible_to(request.user).values_list("narrative", flat=True))


def fail(request: HttpRequest) -> HttpResponse:
    """Raise after reading: the transaction is rolled back."""
    raise RuntimeError(f"thrown in after {len(_told(request))} rows")


def break_statement(request: HttpRequest) -> HttpResponse:
    """A statement that PostgreSQL refuses, caught or not: the transaction is lost either way."""
    told = _told(request)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT no_such_column FROM beneficiaries_case")
    except DatabaseError:
        if "caught" not in request.GET:
            raise
    return HttpResponse("\n".join(told))


def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Rows read in the request, sent a piece at a time; then whatever a late query still finds."""
    told = _told(request)

    def pieces() -> Iterator[str]:
        yield from told
        yield "late:"
        yield from (file.narrative for file in CaseFile.objects.all())

    return StreamingHttpResponse(pieces())


urlpatterns = [
    path("soak/fail/", fail),
    path("soak/break/", break_statement),
    path("soak/stream/", stream),
    *of_the_site,
]
