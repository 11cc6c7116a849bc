"""Password hashing with a limit on simultaneous hashes: each takes 100 MB of memory."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection, transaction

LOCKS = 0x5A48  # first number of the advisory locks that are hashing slots; operations/throttle.py has others
PAUSE = 0.02
PATIENCE = 2.0  # seconds to wait for a slot


class Busy(Exception):
    """Too many passwords are being hashed at this moment."""


class CappedArgon2PasswordHasher(Argon2PasswordHasher):
    """Argon2id, at most `settings.HASH_SLOTS` at once in all processes on one database."""

    def encode(self, password, salt):
        """Hash within a slot. Raises Busy."""
        with slot():
            return super().encode(password, salt)

    def verify(self, password, encoded):
        """Verify within a slot. Raises Busy."""
        with slot():
            return super().verify(password, encoded)


@contextmanager
def slot() -> Iterator[None]:
    """Hold a slot until the transaction ends, which also works with PgBouncer. Raises Busy after two seconds."""
    with transaction.atomic():
        end = time.monotonic() + PATIENCE
        while not _try_slot():
            if time.monotonic() > end:
                raise Busy
            time.sleep(PAUSE)
        yield


def _try_slot() -> bool:
    """Lock a free slot, or the one that this transaction holds; returns whether there was one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM generate_series(1, %s) AS slot WHERE pg_try_advisory_xact_lock(%s, slot) LIMIT 1",
            [settings.HASH_SLOTS, LOCKS],
        )
        return cursor.fetchone() is not None
