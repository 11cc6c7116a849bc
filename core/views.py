"""Health checks, and how a typed day is read."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.views.decorators.http import require_safe
from redis import Redis
from redis.exceptions import RedisError

from core import days
from core.bikram_sambat import Calendar, NotADate, parse
from core.clock import now

SECONDS = 2


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 while the process runs; uses no service."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 if database and broker answer, else 503 without a reason."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        broker = Redis.from_url(settings.REDIS_URL, socket_timeout=SECONDS, socket_connect_timeout=SECONDS)
        with broker:
            broker.ping()
    except (RedisError, OSError):
        return HttpResponse("not ready\n", status=503, content_type="text/plain")
    return HttpResponse("ready\n", content_type="text/plain")


@login_required
@require_safe
def day_read(request: HttpRequest) -> HttpResponse:
    """Answer with the day in the other calendar, or with what is wrong; `field` is the name of the input."""
    name = request.GET.get("field", "")
    typed, calendar = request.GET.get(name, ""), request.GET.get(f"{name}_calendar", "")
    return words_read(_in_words(typed, "bs" if calendar == "bs" else "ad"))


def words_read(words: str) -> HttpResponse:
    """Answer with what htmx shows below an input: this element alone, so not the sign-in page of an ended session."""
    return HttpResponse(format_html('<span class="app-read">{}</span>', words))


def _in_words(typed: str, calendar: Calendar) -> str:
    """Return a typed day in the other calendar; "" for an empty one, and for one that the other calendar lacks."""
    if not typed.strip():
        return ""
    try:
        days.day_of(typed, today=now().date(), is_record=False, calendar=calendar)
    except NotADate as error:
        return str(error)
    try:
        return days.in_other_calendar(parse(typed, calendar=calendar))
    except NotADate:
        return ""
