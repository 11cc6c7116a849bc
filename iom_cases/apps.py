"""Django's admin app with our admin site."""

from importlib import import_module

from django.contrib.admin.apps import SimpleAdminConfig


class ConfigurationConfig(SimpleAdminConfig):
    """Loads the admin modules of the listed apps only, so that no third-party app registers its models."""

    default_site = "iom_cases.admin.ConfigurationSite"
    configured = ("accounts", "projects", "geography")

    def ready(self) -> None:
        """Import the admin modules."""
        super().ready()
        for app in self.configured:
            import_module(f"{app}.admin")
