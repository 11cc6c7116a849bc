"""The keys of people and of cases: each row's words are encrypted with the key of whom they are about.

A person's record has a key, and so has each of her cases, as a case may pass to another organisation's record of
her. A key is kept wrapped by the site's own (`FIELD_KEYS`); destroying it is what erasing a person comes down to.
"""

import os
import threading
from uuid import UUID

from django.db import connection

from core import encryption
from core.encryption import KEY_BYTES, NotDecryptable

_held = threading.local()
VERSION = b"\x02"
SUBJECT_BYTES = 16


def new_key() -> bytes:
    return os.urandom(KEY_BYTES)


def wrap(subject: UUID, key: bytes) -> bytes:
    """A key as its row keeps it: encrypted by the site, for whose it is."""
    return encryption.encrypt(key, bound_to=_bound(subject))


def unwrap(subject: UUID, wrapped: bytes) -> bytes:
    return encryption.decrypt(bytes(wrapped), bound_to=_bound(subject))


def _bound(subject: UUID) -> str:
    return f"key {subject}"


def encrypt_under(key: bytes, subject: UUID, plain: bytes, *, bound_to: str) -> bytes:
    """Encrypted with this key, and in front whose it is."""
    return VERSION + subject.bytes + encryption.encrypt_with(key, plain, bound_to=bound_to)


def decrypt_under(key: bytes, encrypted: bytes, *, bound_to: str) -> bytes:
    return encryption.decrypt_with(key, bytes(encrypted)[1 + SUBJECT_BYTES :], bound_to=bound_to)


def subject_of(encrypted: bytes) -> UUID:
    """Whose key opens this."""
    return UUID(bytes=bytes(encrypted[1 : 1 + SUBJECT_BYTES]))


def forget() -> None:
    """Keys are known for one transaction at most: a destroyed one opens nothing in the next."""
    _held.keys, _held.expected, _held.made = {}, set(), {}


def expect(subject: UUID) -> None:
    """A row that this key opens was read: when one key is asked for, all that are expected come along."""
    _known()
    _held.expected.add(subject)


def _known() -> dict[UUID, bytes | None]:
    if not hasattr(_held, "keys"):
        forget()
    return _held.keys


def _savepoints() -> tuple[str, ...]:
    return tuple(connection.savepoint_ids)


def _doubt(subject: UUID) -> None:
    """A key that was made inside a savepoint is asked for again once that has ended: its row may be undone."""
    base = _held.made.get(subject, ())
    if _savepoints()[: len(base)] != base:
        _held.keys.pop(subject, None)
        _held.made[subject] = _savepoints()


def fetch(subject: UUID) -> None:
    """Have this key at hand, and with the same question those of all rows that were read."""
    known = _known()
    _doubt(subject)
    if subject in known:
        return
    missing = {subject} | (_held.expected - known.keys())
    _held.expected = set()
    with connection.cursor() as cursor:
        cursor.execute("SELECT subject_id, wrapped FROM access.data_keys_of(%s::uuid[])", [list(missing)])
        found = cursor.fetchall()
    known.update({key: wrapped and unwrap(key, wrapped) for key, wrapped in found})


def _made(subject: UUID) -> bytes:
    """A key for somebody who has none yet; of two made at once the first counts."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_datakey (subject_id, wrapped, made_at) VALUES (%s, %s, now()) ON CONFLICT DO NOTHING",
            [subject, wrap(subject, new_key())],
        )
    _held.made[subject] = _savepoints()
    fetch(subject)
    return _there(subject)


def _there(subject: UUID) -> bytes:
    key = _known().get(subject)
    if key is None:
        raise NotDecryptable(f"the key of {subject} was destroyed, or nobody asks for it")
    return key


def encrypt_for(subject: UUID, plain: bytes, *, bound_to: str) -> bytes:
    """Encrypted with the key of a person or a case, which is made where there is none."""
    fetch(subject)
    key = _there(subject) if subject in _known() else _made(subject)
    return encrypt_under(key, subject, plain, bound_to=bound_to)


def decrypt_for(encrypted: bytes, *, bound_to: str) -> bytes | None:
    """What was encrypted; None where its key was destroyed. A key that isn't handed out, as nobody asks, is an error:
    an empty text in the place of words could be saved over them."""
    if encrypted[:1] != VERSION:
        raise NotDecryptable(bound_to)
    subject = subject_of(encrypted)
    fetch(subject)
    if subject not in _known():
        raise NotDecryptable(f"{bound_to}: read by nobody")
    key = _known()[subject]
    return key and decrypt_under(key, encrypted, bound_to=bound_to)
