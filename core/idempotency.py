"""Idempotency: a form that is submitted twice is carried out once."""

from uuid import UUID, uuid5

from django.db import connection
from django.utils import timezone

from core.models import IdempotencyKey


def claim(form_key: UUID, *, by, purpose: str) -> str | None:
    """Claim a form key. Returns None if it is new, else the address the first submission led to ("" if unfinished).

    The insert waits for a parallel submission of the same form to end, so only one of them is carried out. Keys are
    separate for each user: another user's use of the same key is neither visible nor in the way.
    """
    row_id = _row_id(form_key, by)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_idempotencykey (id, user_id, purpose, result, made_at) "
            "VALUES (%s, %s, %s, '', %s) ON CONFLICT (id) DO NOTHING",
            [row_id, by.pk, purpose, timezone.now()],
        )
        if cursor.rowcount:
            return None
    known = IdempotencyKey.objects.filter(pk=row_id, user_id=by.pk, purpose=purpose).first()
    return known.result if known else ""


def result_of(typed: str, *, by) -> str:
    """Return the address that this user's form with this key led to; "" if it wasn't carried out or isn't a UUID."""
    try:
        row_id = _row_id(UUID(typed), by)
    except ValueError:
        return ""
    rows = IdempotencyKey.objects.filter(pk=row_id, user_id=by.pk)
    return rows.values_list("result", flat=True).first() or ""


def settle(form_key: UUID, *, by, result: str) -> None:
    """Store the address that the form led to."""
    IdempotencyKey.objects.filter(pk=_row_id(form_key, by)).update(result=result)


def _row_id(form_key: UUID, by) -> UUID:
    """Return the primary key of this user's row for a form key."""
    return uuid5(by.pk, str(form_key))
