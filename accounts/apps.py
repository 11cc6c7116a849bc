"""The accounts app: its signal handler and its hook for a new site key."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Users, organisations, roles, and signing in."""

    name = "accounts"
    verbose_name = _("Users and organisations")

    def ready(self) -> None:
        """Re-encrypt seeds when the site's key changes, and note sign-ins in the session."""
        from accounts.recent import begin  # models must be loaded first
        from accounts.seeds import reencrypt_seeds
        from core import rewrapping

        rewrapping.hooks.append(reencrypt_seeds)
        user_logged_in.connect(begin, dispatch_uid="accounts.recent.begin")
