"""Data keys: one for each beneficiary and each case, which encrypt what rows say about them.

A case has a key of its own because it may be transferred to another organisation's row of the same person. Data keys
are stored wrapped (encrypted) by the site's keys (`FIELD_KEYS`). Erasing a beneficiary destroys the key. A `subject`
is the UUID that a data key belongs to.
"""

import os
import threading
from uuid import UUID

from django.db import connection

from core import encryption
from core.encryption import KEY_BYTES, NotDecryptable

_cache = threading.local()  # of one transaction: keys, expected, savepoints_of
VERSION = b"\x02"
SUBJECT_BYTES = 16


def new_key() -> bytes:
    """Return a random data key."""
    return os.urandom(KEY_BYTES)


def wrap(subject: UUID, data_key: bytes) -> bytes:
    """Return the data key as its row stores it: encrypted with the site's key and bound to the subject."""
    return encryption.encrypt(data_key, bound_to=_bound(subject))


def unwrap(subject: UUID, wrapped: bytes) -> bytes:
    """Return the data key from its wrapped form. Raises NotDecryptable."""
    return encryption.decrypt(bytes(wrapped), bound_to=_bound(subject))


def _bound(subject: UUID) -> str:
    return f"key {subject}"


def encrypt_under(data_key: bytes, subject: UUID, plain: bytes, *, bound_to: str) -> bytes:
    """Encrypt with the given data key; the result starts with the version and the subject."""
    return VERSION + subject.bytes + encryption.encrypt_with(data_key, plain, bound_to=bound_to)


def decrypt_under(data_key: bytes, encrypted: bytes, *, bound_to: str) -> bytes:
    """Decrypt what `encrypt_under` returned, with the given data key. Raises NotDecryptable."""
    return encryption.decrypt_with(data_key, bytes(encrypted)[1 + SUBJECT_BYTES :], bound_to=bound_to)


def subject_of(encrypted: bytes) -> UUID:
    """Return the subject whose data key decrypts this."""
    return UUID(bytes=bytes(encrypted[1 : 1 + SUBJECT_BYTES]))


def forget() -> None:
    """Empty the cache, when a transaction's context is set: a destroyed key decrypts nothing in the next one."""
    _cache.keys, _cache.expected, _cache.savepoints_of = {}, set(), {}


def expect(subject: UUID) -> None:
    """Note that a row encrypted with this key was read: the next `fetch` gets all expected keys in one query."""
    _known()
    _cache.expected.add(subject)


def _known() -> dict[UUID, bytes | None]:
    """Return the cached keys by subject; None for a destroyed key."""
    if not hasattr(_cache, "keys"):
        forget()
    return _cache.keys


def _savepoints() -> tuple[str, ...]:
    return tuple(connection.savepoint_ids)


def _drop_if_rolled_back(subject: UUID) -> None:
    """Drop a cached key that was created inside a savepoint which has ended since: its row may be rolled back."""
    base = _cache.savepoints_of.get(subject, ())
    if _savepoints()[: len(base)] != base:
        _cache.keys.pop(subject, None)
        _cache.savepoints_of[subject] = _savepoints()


def fetch(subject: UUID) -> None:
    """Load this key into the cache, and in the same query the expected ones."""
    known = _known()
    _drop_if_rolled_back(subject)
    if subject in known:
        return
    missing = {subject} | (_cache.expected - known.keys())
    _cache.expected = set()
    with connection.cursor() as cursor:
        cursor.execute("SELECT subject_id, wrapped FROM access.data_keys_of(%s::uuid[])", [list(missing)])
        found = cursor.fetchall()
    known.update({subject_id: wrapped and unwrap(subject_id, wrapped) for subject_id, wrapped in found})


def _create(subject: UUID) -> bytes:
    """Create the key of a subject that has none; if two transactions do so at once, the first one counts."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_datakey (subject_id, wrapped, made_at) VALUES (%s, %s, now()) ON CONFLICT DO NOTHING",
            [subject, wrap(subject, new_key())],
        )
    _cache.savepoints_of[subject] = _savepoints()
    fetch(subject)
    return _cached(subject)


def _cached(subject: UUID) -> bytes:
    data_key = _known().get(subject)
    if data_key is None:
        raise NotDecryptable(f"the key of {subject} was destroyed, or the transaction acts for nobody")
    return data_key


def encrypt_for(subject: UUID, plain: bytes, *, bound_to: str) -> bytes:
    """Encrypt with the subject's data key, which is created if there is none. Raises NotDecryptable if destroyed."""
    fetch(subject)
    data_key = _cached(subject) if subject in _known() else _create(subject)
    return encrypt_under(data_key, subject, plain, bound_to=bound_to)


def decrypt_for(encrypted: bytes, *, bound_to: str) -> bytes | None:
    """Return the plain bytes; None if the data key was destroyed.

    Raises NotDecryptable if the transaction acts for nobody and so gets no key: an empty value in its place could be
    saved over the stored one.
    """
    if encrypted[:1] != VERSION:
        raise NotDecryptable(bound_to)
    subject = subject_of(encrypted)
    fetch(subject)
    if subject not in _known():
        raise NotDecryptable(f"{bound_to}: the transaction acts for nobody")
    data_key = _known()[subject]
    return data_key and decrypt_under(data_key, encrypted, bound_to=bound_to)
