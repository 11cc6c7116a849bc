"""Configuration of the projects app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ProjectsConfig(AppConfig):
    """Registers the effect of approved requests for programmes."""

    name = "projects"
    verbose_name = _("Programmes")

    def ready(self) -> None:
        """Register with `accounts.operations.effects`."""
        from accounts.choices import RequestKind  # models must be loaded first
        from accounts.operations.access import effects
        from projects.operations import choose_asked_programmes

        effects[RequestKind.PROGRAMMES] = choose_asked_programmes
