"""Audit events for denied requests, limited so that nobody can flood the log.

The first 30 of a user in a minute are recorded one by one, later ones more and more rarely, with their count. Only
signed-in users are recorded here; failed sign-ins are counted in accounts/operations/throttle.py.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from core import audit
from core.context import entered_as

EACH = 30  # refusals of one user in one minute that are recorded one by one


def record_denial(*, user_id: UUID, detail: dict[str, Any], now: datetime) -> None:
    """Count a denial of the user for whom the transaction acts, and record it if its number is due.

    From the 31st in a minute on, a denial is recorded if its number is a power of two, with that number. The first
    denial of the next minute records how many there were in all.
    """
    if entered_as() is None:  # the account was closed in the meantime
        return
    number, before = _counted(user_id, now.replace(second=0, microsecond=0))
    if before > EACH:
        _record({"count": before})
    if number <= EACH:
        _record(detail)
    elif number & (number - 1) == 0:
        _record(detail | {"count": number})


def _record(detail: dict[str, Any]) -> None:
    audit.record(by=None, verb="denied", detail=detail)  # the database sets the actor


def _counted(user_id: UUID, minute: datetime) -> tuple[int, int]:
    """Count a denial.

    Returns its number in this minute, and for the first of a minute the count of the last minute that had any, else 0.
    A denial that began in a minute which is over counts in the one that began since.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_denialcount AS t (user_id, minute, count) VALUES (%s, %s, 1) "
            "ON CONFLICT (user_id) DO UPDATE SET minute = greatest(t.minute, excluded.minute), "
            "count = CASE WHEN t.minute < excluded.minute THEN 1 ELSE t.count + 1 END "
            "RETURNING new.count, coalesce(old.count, 0)",
            [user_id, minute],
        )
        number, before = cursor.fetchone()
    return number, before if number == 1 else 0
