"""The keys of people and of cases: each row's words are sealed with the key of whom they are about.

A person's record has a key, and so has each of her cases, as a case may pass to another organisation's record of
her. A key is kept wrapped by the house's own (`FIELD_KEYS`); destroying it is what erasing a person comes down to.
"""

import os
import threading
from collections.abc import Iterable
from uuid import UUID

from django.db import connection

from core import encryption
from core.encryption import KEY_BYTES, NotOpened

_held = threading.local()
VERSION = b"\x02"
SUBJECT_BYTES = 16


def forget() -> None:
    """Keys are known for one transaction at most: a destroyed one opens nothing in the next."""
    _held.keys, _held.expected = {}, set()


def expect(subject: UUID) -> None:
    """A row that this key opens was read: when one key is asked for, all that are expected come along."""
    _known()
    _held.expected.add(subject)


def _known() -> dict[UUID, bytes | None]:
    if not hasattr(_held, "keys"):
        forget()
    return _held.keys


def _bound(subject: UUID) -> str:
    return f"key {subject}"


def fetch(subjects: Iterable[UUID]) -> None:
    """Have the keys of all these at hand, with one question."""
    known = _known()
    missing = {subject for subject in subjects if subject not in known}
    if not missing:
        return
    missing |= _held.expected - known.keys()
    _held.expected = set()
    with connection.cursor() as cursor:
        cursor.execute("SELECT subject_id, wrapped FROM wall.keys_of(%s::uuid[])", [list(missing)])
        found = cursor.fetchall()
    for subject, wrapped in found:
        known[subject] = wrapped and encryption.open_sealed(bytes(wrapped), bound_to=_bound(subject))


def _made(subject: UUID) -> bytes:
    """A key for somebody who has none yet; of two made at once the first counts."""
    wrapped = encryption.seal(os.urandom(KEY_BYTES), bound_to=_bound(subject))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_datakey (subject_id, wrapped, made_at) VALUES (%s, %s, now()) ON CONFLICT DO NOTHING",
            [subject, wrapped],
        )
    fetch([subject])
    return _there(subject)


def _there(subject: UUID) -> bytes:
    key = _known().get(subject)
    if key is None:
        raise NotOpened(f"the key of {subject} was destroyed, or nobody asks for it")
    return key


def seal_for(subject: UUID, plain: bytes, *, bound_to: str) -> bytes:
    """Sealed with the key of a person or a case, which is named in front."""
    fetch([subject])
    key = _there(subject) if subject in _known() else _made(subject)
    return VERSION + subject.bytes + encryption.encrypt(key, plain, bound_to=bound_to)


def open_for(sealed: bytes, *, bound_to: str) -> bytes | None:
    """What was sealed; None where its key was destroyed. A key that isn't handed out, as nobody asks, is an error:
    an empty text in the place of words could be saved over them."""
    if sealed[:1] != VERSION:
        raise NotOpened(bound_to)
    subject = subject_of(sealed)
    fetch([subject])
    if subject not in _known():
        raise NotOpened(f"{bound_to}: read by nobody")
    key = _known()[subject]
    return key and encryption.decrypt(key, sealed[1 + SUBJECT_BYTES :], bound_to=bound_to)


def subject_of(sealed: bytes) -> UUID:
    """Whose key opens this."""
    return UUID(bytes=bytes(sealed[1 : 1 + SUBJECT_BYTES]))
