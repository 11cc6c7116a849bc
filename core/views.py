"""Health checks."""

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from redis import Redis
from redis.exceptions import RedisError

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
