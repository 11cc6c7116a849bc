from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_save, pre_delete, pre_save


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = "Ground"

    def ready(self) -> None:
        from core import audit  # models must be loaded first
        from core.context import refuse_powerful_role

        connection_created.connect(refuse_powerful_role, dispatch_uid="core.refuse_powerful_role")
        pre_save.connect(audit.noting, dispatch_uid="core.audit.noting")
        post_save.connect(audit.noted, dispatch_uid="core.audit.noted")
        pre_delete.connect(audit.removed, dispatch_uid="core.audit.removed")
