"""Authenticated encryption with the site's keys (`FIELD_KEYS`): AES-256-GCM from `cryptography`.

A ciphertext starts with a version byte and four bytes that identify the key, so keys can be replaced while both are in
use. `bound_to` names the table, column and row of the value; it is authenticated and not stored, so a value that is
moved to another row or column can't be decrypted.
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Sequence
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

KEY_BYTES, NONCE_BYTES, MARK_BYTES = 32, 12, 4
VERSION = b"\x01"


class NotDecryptable(Exception):
    """The value was encrypted with an unknown key, was changed, or belongs to another row or column."""


def keys_from(text: str) -> tuple[bytes, ...]:
    """Parse `FIELD_KEYS`: 32 bytes each in base64, separated by commas, the newest first. Raises ValueError."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            key = base64.b64decode(part, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise ValueError("a key is not base64") from error
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key has {len(key)} bytes and not {KEY_BYTES}")
        found.append(key)
    if not found:
        raise ValueError("no key")
    return tuple(found)


def encrypt_with(key: bytes, plain: bytes, *, bound_to: str) -> bytes:
    """Return the nonce followed by the ciphertext."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to.encode())


def decrypt_with(key: bytes, encrypted: bytes, *, bound_to: str) -> bytes:
    """Decrypt what `encrypt_with` returned. Raises NotDecryptable."""
    try:
        return AESGCM(key).decrypt(encrypted[:NONCE_BYTES], encrypted[NONCE_BYTES:], bound_to.encode())
    except (InvalidTag, ValueError) as error:
        raise NotDecryptable(bound_to) from error


class KeyRing:
    """The site's keys: the first one encrypts, each of them decrypts."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self.keys = {_mark(key): key for key in keys}
        self.newest = _mark(keys[0])

    def encrypt(self, plain: bytes, *, bound_to: str) -> bytes:
        """Encrypt with the newest key."""
        return VERSION + self.newest + encrypt_with(self.keys[self.newest], plain, bound_to=bound_to)

    def decrypt(self, encrypted: bytes, *, bound_to: str) -> bytes:
        """Decrypt with whichever key encrypted it. Raises NotDecryptable."""
        mark = encrypted[1 : 1 + MARK_BYTES]
        if encrypted[:1] != VERSION or mark not in self.keys:
            raise NotDecryptable(bound_to)
        return decrypt_with(self.keys[mark], encrypted[1 + MARK_BYTES :], bound_to=bound_to)

    def is_newest(self, encrypted: bytes) -> bool:
        """Return whether the newest key encrypted this."""
        return encrypted[: 1 + MARK_BYTES] == VERSION + self.newest


def _mark(key: bytes) -> bytes:
    """Return four bytes that identify a key and tell nothing about it."""
    return hashlib.sha256(b"mark" + key).digest()[:MARK_BYTES]


@cache
def _ring(keys: tuple[bytes, ...]) -> KeyRing:
    return KeyRing(keys)


def ring() -> KeyRing:
    """Return the key ring of `settings.FIELD_KEYS`."""
    return _ring(settings.FIELD_KEYS)


def encrypt(plain: bytes, *, bound_to: str) -> bytes:
    """Encrypt with the site's newest key."""
    return ring().encrypt(plain, bound_to=bound_to)


def decrypt(encrypted: bytes, *, bound_to: str) -> bytes:
    """Decrypt with the site's keys. Raises NotDecryptable."""
    return ring().decrypt(encrypted, bound_to=bound_to)


def blind(value: str, *, of: str) -> bytes:
    """Return a blind index: 16 bytes of an HMAC, equal for equal values of one kind `of`, that reveal no value."""
    return _blind(settings.FIELD_KEYS[0], value, of)


def blinds(value: str, *, of: str) -> list[bytes]:
    """Return the blind index under each of the site's keys, as rows may still have an older key's."""
    return [_blind(key, value, of) for key in settings.FIELD_KEYS]


def _blind(key: bytes, value: str, of: str) -> bytes:
    return hmac.digest(hmac.digest(key, f"blind {of}".encode(), "sha256"), value.encode(), "sha256")[:16]
