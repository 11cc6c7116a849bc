from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Users and organisations")

    def ready(self) -> None:
        from accounts.recent import begin  # models must be loaded first
        from accounts.seeds import reencrypt_seeds
        from core import rewrapping

        rewrapping.hooks.append(reencrypt_seeds)
        user_logged_in.connect(begin, dispatch_uid="accounts.recent.begin")
