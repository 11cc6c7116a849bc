"""Refusals on record: each of the first in a minute, then fewer with their count, so that nobody fills the log.

Only who is signed in is on record here. Of nobody's tries those count that guess at accounts (accounts/operations).
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from core import audit
from core.context import entered_as

EACH = 30  # refusals of one user in one minute that are recorded one by one


def record_denial(*, user_id: UUID, detail: dict[str, Any], now: datetime) -> None:
    """Count a refusal, in the place of whom it is about, and put it on record where its number asks for it.

    Of more than 30 in a minute those are recorded whose number is a power of two, with that number, and with the next
    minute's first refusal how many there were in all.
    """
    if entered_as() is None:  # the account was closed in the meantime: its next request is nobody's
        return
    number, before = _counted(user_id, now.replace(second=0, microsecond=0))
    if before > EACH:
        _record({"count": before})
    if number <= EACH:
        _record(detail)
    elif number & (number - 1) == 0:
        _record(detail | {"count": number})


def _record(detail: dict[str, Any]) -> None:
    audit.record(by=None, verb="denied", detail=detail)  # by whoever is entered


def _counted(user_id: UUID, minute: datetime) -> tuple[int, int]:
    """This refusal's number in its minute; with the first of a minute how many there were in the one before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH former AS (SELECT minute, count FROM core_denialcount WHERE user_id = %(user)s) "
            "INSERT INTO core_denialcount AS t (user_id, minute, count) VALUES (%(user)s, %(minute)s, 1) "
            "ON CONFLICT (user_id) DO UPDATE SET minute = excluded.minute, "
            "count = CASE WHEN t.minute = excluded.minute THEN t.count + 1 ELSE 1 END "
            "RETURNING t.count, coalesce((SELECT f.count FROM former f WHERE f.minute <> %(minute)s), 0)",
            {"user": user_id, "minute": minute},
        )
        number, before = cursor.fetchone()
    return number, before if number == 1 else 0
