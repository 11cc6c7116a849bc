"""`Idempotency-Key`: a request that is sent twice is carried out once."""

import json
from collections.abc import Callable
from uuid import UUID

from django.db.models import Model
from django.utils.crypto import salted_hmac
from rest_framework import exceptions
from rest_framework.request import Request

from api.problems import Conflict
from core import idempotency

HEADER = "Idempotency-Key"


def key_of(request: Request) -> UUID | None:
    """The request's key; None where it has none."""
    text = request.headers.get(HEADER)
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise exceptions.ValidationError({HEADER: ["This is no UUID."]}) from error


def run_once(request: Request, *, purpose: str, action: Callable[[], Model]) -> UUID:
    """Run the action, or find what it made when the same key came first; the key of that row.

    Runs inside one transaction with the action: what is refused leaves the key free. The same key for another
    address or body is a conflict. Of the body a keyed digest is kept, of the answer nothing.
    """
    key = key_of(request)
    if key is None:
        return action().pk
    body = json.dumps(request.data, sort_keys=True)
    digest = salted_hmac("api.once", body, algorithm="sha256").hexdigest()
    known = idempotency.claim(key, by=request.user, purpose=purpose)
    if known is None:
        made = action().pk
        idempotency.settle(key, by=request.user, result=f"{digest} {made}")
        return made
    kept, _space, made = known.partition(" ")
    if kept != digest:
        raise Conflict(f"This {HEADER} was used for something else.")
    return UUID(made)
