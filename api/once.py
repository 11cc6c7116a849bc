"""`Idempotency-Key`: a request that is sent twice is executed once."""

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


def idempotency_key(request: Request) -> UUID | None:
    """Return the request's key, or None. Raises ValidationError where it isn't a UUID."""
    text = request.headers.get(HEADER)
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise exceptions.ValidationError({HEADER: ["This is not a UUID."]}) from error


def run_once(request: Request, *, purpose: str, action: Callable[[], Model]) -> UUID:
    """Run the action and return the id of its row; with a key that came before, return the id of that time.

    Runs in one transaction with the action, so that a refused request leaves the key unused. The same key for another
    URL or body is a conflict. A keyed digest of the body is stored, and nothing of the response.
    """
    form_key = idempotency_key(request)
    if form_key is None:
        return action().pk
    body = json.dumps(request.data, sort_keys=True)
    digest = salted_hmac("api.once", body, algorithm="sha256").hexdigest()
    known = idempotency.claim(form_key, by=request.user, purpose=purpose)
    if known is None:
        row_id = action().pk
        idempotency.settle(form_key, by=request.user, result=f"{digest} {row_id}")
        return row_id
    known_digest, _space, known_id = known.partition(" ")
    if known_digest != digest:
        raise Conflict(f"This {HEADER} was used for something else.")
    return UUID(known_id)
