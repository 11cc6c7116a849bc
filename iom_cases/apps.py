"""Django's admin as this house uses it."""

from importlib import import_module

from django.contrib.admin.apps import SimpleAdminConfig


class ConfigurationConfig(SimpleAdminConfig):
    """The rooms whose configuration is shown are named, so that nothing else registers itself."""

    default_site = "iom_cases.admin.ConfigurationSite"
    rooms = ("accounts", "projects", "geography")

    def ready(self) -> None:
        super().ready()
        for room in self.rooms:
            import_module(f"{room}.admin")
