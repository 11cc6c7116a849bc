from django.apps import AppConfig
from django.db.backends.signals import connection_created


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = "Ground"

    def ready(self) -> None:
        from core.context import refuse_powerful_role  # models must be loaded first

        connection_created.connect(refuse_powerful_role, dispatch_uid="core.refuse_powerful_role")
