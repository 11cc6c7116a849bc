"""Sealing what a second factor rests on: AES-GCM under a key made from SECRET_KEY.

The seed of an app's codes and of recovery codes must be read to be checked, so a digest won't do.
"""

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

NONCE = 12  # bytes; random, as a key seals far fewer than 2^32 values


class NotOpened(ValueError):
    """What should be opened was sealed under another key, for another use, or changed."""


def _key() -> bytes:
    derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"accounts.sealing")
    return derive.derive(settings.SECRET_KEY.encode())


def seal(plain: bytes, *, bound_to: str) -> str:
    """Encrypted text that opens only under the same key and for the same use."""
    nonce = os.urandom(NONCE)
    sealed = AESGCM(_key()).encrypt(nonce, plain, bound_to.encode())
    return base64.urlsafe_b64encode(nonce + sealed).decode()


def open_sealed(sealed: str, *, bound_to: str) -> bytes:
    try:
        held = base64.urlsafe_b64decode(sealed.encode())
        return AESGCM(_key()).decrypt(held[:NONCE], held[NONCE:], bound_to.encode())
    except (InvalidTag, ValueError) as error:
        raise NotOpened from error
