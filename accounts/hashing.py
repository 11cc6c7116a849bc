"""Password hashing with a limit on simultaneous hashes: each takes 100 MB of memory."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import transaction

from core import slots

LOCKS = 0x5A48  # first number of the advisory locks that are hashing slots; operations/throttle.py has others
PATIENCE = 2.0  # seconds to wait for a slot


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
        slots.take(LOCKS, slots=settings.HASH_SLOTS, patience=PATIENCE)
        yield
