"""Limits on how many do a costly thing at once, in all processes on one database: PostgreSQL's advisory locks.

A lock is held until its transaction ends, which also works with PgBouncer.
"""

import time

from django.db import connection

PAUSE = 0.02  # seconds


class Busy(Exception):
    """All slots are taken, and none became free in time."""


def take(locks: int, *, slots: int, patience: float) -> None:
    """Hold one of `slots` until this transaction ends, or keep the one that it holds already.

    `locks` is the first number of the advisory locks, `patience` the seconds to wait. Raises Busy.
    """
    end = time.monotonic() + patience
    while not _try_slot(locks, slots):
        if time.monotonic() > end:
            raise Busy
        time.sleep(PAUSE)


def _try_slot(locks: int, slots: int) -> bool:
    """Lock a free slot, or the one that this transaction holds; returns whether there was one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM generate_series(1, %s) AS slot WHERE pg_try_advisory_xact_lock(%s, slot) LIMIT 1",
            [slots, locks],
        )
        return cursor.fetchone() is not None


def take_single(locks: int, *, name: str) -> None:
    """Hold the one slot of this name (a user, say) until this transaction ends. Raises Busy at once if it is taken."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", [locks, name])
        if not cursor.fetchone()[0]:
            raise Busy
