"""Django's `migrate` as the owner, followed by the access policies."""

from django.conf import settings
from django.core.management import call_command
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connections

from core import policies


class Command(DjangoMigrate):
    """`manage.py migrate`."""

    help = "Migrates as the owner's role and rebuilds functions, privileges and policies."

    def add_arguments(self, parser) -> None:
        """Default to the owner's connection."""
        super().add_arguments(parser)
        parser.set_defaults(database="owner" if "owner" in settings.DATABASES else "default")

    def handle(self, *args, **options) -> str | None:
        """Migrate; unless only some apps or only a check was asked for, create the cache table and the policies."""
        if "owner" not in settings.DATABASES:
            self.stderr.write("MIGRATION_DATABASE_URL is missing: migrations run as the owner's role")
            raise SystemExit(1)
        result = super().handle(*args, **options)
        if not (options.get("plan") or options.get("check_unapplied") or options.get("app_label")):
            call_command("createcachetable", database="owner", verbosity=0)
            policies.apply(connections["owner"])
        return result
