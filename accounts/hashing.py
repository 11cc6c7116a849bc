"""How passwords are hashed, and how many at once: a hash takes 100 MB, and a crowd of them the machine."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection, transaction

LOCKS = 0x5A48  # of PostgreSQL's advisory locks those that are hashing slots; see operations/throttle.py for others
PAUSE = 0.02
PATIENCE = 2.0  # seconds that one waits for a slot


class Busy(Exception):
    """Too many passwords are being hashed at this moment."""


class CappedArgon2PasswordHasher(Argon2PasswordHasher):
    """Argon2id, at most `settings.HASH_SLOTS` at once in all processes on one database."""

    def encode(self, password, salt):
        with slot():
            return super().encode(password, salt)

    def verify(self, password, encoded):
        with slot():
            return super().verify(password, encoded)


@contextmanager
def slot() -> Iterator[None]:
    """Hold one of the slots, to the end of this transaction: also where PgBouncer pools them."""
    with transaction.atomic():
        end = time.monotonic() + PATIENCE
        while not _is_taken():
            if time.monotonic() > end:
                raise Busy
            time.sleep(PAUSE)
        yield


def _is_taken() -> bool:
    """Take the first slot that is free; who holds one already keeps it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM generate_series(1, %s) AS place WHERE pg_try_advisory_xact_lock(%s, place) LIMIT 1",
            [settings.HASH_SLOTS, LOCKS],
        )
        return cursor.fetchone() is not None
