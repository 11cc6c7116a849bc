from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ProjectsConfig(AppConfig):
    name = "projects"
    verbose_name = _("Programmes")

    def ready(self) -> None:
        from accounts.choices import RequestKind  # models must be loaded first
        from accounts.operations import effects
        from projects.operations import choose_asked_programmes

        effects[RequestKind.PROGRAMMES] = choose_asked_programmes
