"""Django's admin as this site uses it."""

from importlib import import_module

from django.contrib.admin.apps import SimpleAdminConfig


class ConfigurationConfig(SimpleAdminConfig):
    """The apps whose configuration is shown are named, so that nothing else registers itself."""

    default_site = "iom_cases.admin.ConfigurationSite"
    configured = ("accounts", "projects", "geography")

    def ready(self) -> None:
        super().ready()
        for app in self.configured:
            import_module(f"{app}.admin")
