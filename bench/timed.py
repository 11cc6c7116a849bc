"""The site with a header that says how long the database took over a page, for gunicorn. For the bench only.

Everything that goes through Django's cursors counts, savepoints and the audit log included; the commit
doesn't.
"""

import time

from django.core.wsgi import get_wsgi_application
from django.db.backends.signals import connection_created

site = get_wsgi_application()
taken = [0.0]  # a sync worker answers one request at a time


def _timed(execute, sql, params, many, context):
    started = time.perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        taken[0] += time.perf_counter() - started


def _watch(sender: object, connection, **kwargs: object) -> None:
    if _timed not in connection.execute_wrappers:
        connection.execute_wrappers.append(_timed)


connection_created.connect(_watch, weak=False)


def application(environ, start_response):
    """Return the site's answer, whole, with the milliseconds in `Server-Timing`."""
    taken[0] = 0.0
    started: list = []
    body = b"".join(site(environ, lambda status, headers, *more: started.append((status, headers))))
    status, headers = started[-1]
    start_response(status, [*headers, ("Server-Timing", f"db;dur={taken[0] * 1000:.3f}")])
    return [body]
