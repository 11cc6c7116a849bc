"""What allauth's second factors are told by this site: encrypted at rest, and of this site, whatever Host is sent."""

import base64
from urllib.parse import urlsplit

from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings

from core import encryption

USE = "second factor"


class FactorAdapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return base64.urlsafe_b64encode(encryption.encrypt(text.encode(), bound_to=USE)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        encrypted = base64.urlsafe_b64decode(encrypted_text.encode())
        return encryption.decrypt(encrypted, bound_to=USE).decode()

    def is_newest(self, encrypted_text: str) -> bool:
        """Whether the site's newest key encrypted it."""
        return encryption.ring().is_newest(base64.urlsafe_b64decode(encrypted_text.encode()))

    def get_totp_label(self, user) -> str:
        return user.get_username()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {"id": urlsplit(settings.SITE_URL).hostname or "", "name": "Sahayatra"}

    def get_public_key_credential_user_entity(self, user) -> dict:
        return {"id": user.pk.bytes, "name": user.get_username(), "display_name": user.get_username()}
