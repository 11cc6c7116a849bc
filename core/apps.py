"""The core app: its signal handlers."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_save, pre_delete, pre_save


class CoreConfig(AppConfig):
    """What every other app builds on: access policies, encryption, audit log, outbox, forms."""

    name = "core"
    verbose_name = "Core"

    def ready(self) -> None:
        """Connect the check of the database role, and the handlers that collect changes for the audit log."""
        from core import audit  # models must be loaded first
        from core.context import refuse_powerful_role

        connection_created.connect(refuse_powerful_role, dispatch_uid="core.refuse_powerful_role")
        pre_save.connect(audit.remember_former_values, dispatch_uid="core.audit.remember_former_values")
        post_save.connect(audit.record_saved, dispatch_uid="core.audit.record_saved")
        pre_delete.connect(audit.record_deleted, dispatch_uid="core.audit.record_deleted")
