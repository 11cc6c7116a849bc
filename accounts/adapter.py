"""allauth's adapter for second factors: seeds are encrypted, and passkeys belong to SITE_URL whatever Host is sent."""

import base64
from urllib.parse import urlsplit

from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings

from core import encryption

USE = "second factor"


class FactorAdapter(DefaultMFAAdapter):
    """Encrypts with the site's keys, and names this site and its users to apps and passkeys."""

    def encrypt(self, text: str) -> str:
        """Encrypt a seed with the site's newest key, as base64."""
        return base64.urlsafe_b64encode(encryption.encrypt(text.encode(), bound_to=USE)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Decrypt a seed. Raises NotDecryptable."""
        encrypted = base64.urlsafe_b64decode(encrypted_text.encode())
        return encryption.decrypt(encrypted, bound_to=USE).decode()

    def is_newest(self, encrypted_text: str) -> bool:
        """Return whether the site's newest key encrypted this."""
        return encryption.ring().is_newest(base64.urlsafe_b64decode(encrypted_text.encode()))

    def get_totp_label(self, user) -> str:
        """Return the user name."""
        return user.get_username()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return the site of SITE_URL; allauth would take it from the request's Host."""
        return {"id": urlsplit(settings.SITE_URL).hostname or "", "name": "Sahayatra"}

    def get_public_key_credential_user_entity(self, user) -> dict:
        """Return the user's id and user name, but not their real name or address."""
        return {"id": user.pk.bytes, "name": user.get_username(), "display_name": user.get_username()}
