"""Authenticated encryption: keys of the site, and values encrypted for one table, column and row.

AES-256-GCM from `cryptography`. What is encrypted starts with the version and with which key it was (four bytes), so
that keys can be replaced while both are in use; `bound_to` is authenticated and not stored, so that a value moved
to another row or column is refused.
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
    """Encrypted with a key that isn't here, changed since, or moved from where it belongs."""


def keys_from(text: str) -> tuple[bytes, ...]:
    """The keys of `FIELD_KEYS`: 32 bytes each in base64, separated by commas, the newest first."""
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
    """Nonce and ciphertext."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to.encode())


def decrypt_with(key: bytes, encrypted: bytes, *, bound_to: str) -> bytes:
    try:
        return AESGCM(key).decrypt(encrypted[:NONCE_BYTES], encrypted[NONCE_BYTES:], bound_to.encode())
    except (InvalidTag, ValueError) as error:
        raise NotDecryptable(bound_to) from error


class KeyRing:
    """The site's own keys: the first encrypts, any of them opens."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self.keys = {_mark(key): key for key in keys}
        self.newest = _mark(keys[0])

    def encrypt(self, plain: bytes, *, bound_to: str) -> bytes:
        return VERSION + self.newest + encrypt_with(self.keys[self.newest], plain, bound_to=bound_to)

    def open(self, encrypted: bytes, *, bound_to: str) -> bytes:
        mark = encrypted[1 : 1 + MARK_BYTES]
        if encrypted[:1] != VERSION or mark not in self.keys:
            raise NotDecryptable(bound_to)
        return decrypt_with(self.keys[mark], encrypted[1 + MARK_BYTES :], bound_to=bound_to)

    def is_newest(self, encrypted: bytes) -> bool:
        return encrypted[: 1 + MARK_BYTES] == VERSION + self.newest


def _mark(key: bytes) -> bytes:
    return hashlib.sha256(b"mark" + key).digest()[:MARK_BYTES]


@cache
def _ring(keys: tuple[bytes, ...]) -> KeyRing:
    return KeyRing(keys)


def ring() -> KeyRing:
    """The keys that the settings name."""
    return _ring(settings.FIELD_KEYS)


def encrypt(plain: bytes, *, bound_to: str) -> bytes:
    """Encrypted with the site's newest key."""
    return ring().encrypt(plain, bound_to=bound_to)


def decrypt(encrypted: bytes, *, bound_to: str) -> bytes:
    return ring().open(encrypted, bound_to=bound_to)


def blind(value: str, *, of: str) -> bytes:
    """A keyed digest by which equal values of one kind are found; nothing of the value can be read from it."""
    return _blind(settings.FIELD_KEYS[0], value, of)


def blinds(value: str, *, of: str) -> list[bytes]:
    """The same under each of the keys, as rows may still carry an older one's."""
    return [_blind(key, value, of) for key in settings.FIELD_KEYS]


def _blind(key: bytes, value: str, of: str) -> bytes:
    return hmac.digest(hmac.digest(key, f"blind {of}".encode(), "sha256"), value.encode(), "sha256")[:16]
