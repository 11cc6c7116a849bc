"""A form that is sent twice is carried out once."""

from uuid import UUID, uuid5

from django.db import connection
from django.utils import timezone

from core.models import IdempotencyKey


def claim(key: UUID, *, by, purpose: str) -> str | None:
    """Take the key; None when it is new, else where the first sending led ("" while it is under way).

    The insert waits for a parallel sending of the same form to end, so that only one of them works. Everyone has
    keys of their own: that another person used the same one is neither told nor in the way.
    """
    own = _own(key, by)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_idempotencykey (id, user_id, purpose, result, made_at) "
            "VALUES (%s, %s, %s, '', %s) ON CONFLICT (id) DO NOTHING",
            [own, by.pk, purpose, timezone.now()],
        )
        if cursor.rowcount:
            return None
    known = IdempotencyKey.objects.filter(pk=own, user_id=by.pk, purpose=purpose).first()
    return known.result if known else ""


def result_of(typed: str, *, by) -> str:
    """Where a form of this user's with this key led; "" for one that wasn't carried out."""
    try:
        own = _own(UUID(typed), by)
    except ValueError:
        return ""
    return IdempotencyKey.objects.filter(pk=own, user_id=by.pk).values_list("result", flat=True).first() or ""


def settle(key: UUID, *, by, result: str) -> None:
    """Remember where the form led."""
    IdempotencyKey.objects.filter(pk=_own(key, by)).update(result=result)


def _own(key: UUID, by) -> UUID:
    """The key under which this person's is kept."""
    return uuid5(by.pk, str(key))
