"""Django's `migrate` as the owner, followed by functions, policies and privileges."""

from django.conf import settings
from django.core.management import call_command
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from core import catalogue


class Command(DjangoMigrate):
    """`manage.py migrate`."""

    help = "Migrates as the owner's role, and makes functions, policies and privileges that differ from the code."

    def add_arguments(self, parser) -> None:
        """Default to the owner's connection."""
        super().add_arguments(parser)
        parser.set_defaults(database="owner" if "owner" in settings.DATABASES else "default")

    def handle(self, *args, **options) -> str | None:
        """Migrate. Once every migration is applied, make the cache table and what differs from the code.

        In between a new table has no privileges, so nobody can read it.
        """
        if "owner" not in settings.DATABASES:
            self.stderr.write("MIGRATION_DATABASE_URL is missing: migrations run as the owner's role")
            raise SystemExit(1)
        result = super().handle(*args, **options)
        if options.get("plan") or options.get("check_unapplied"):
            return result
        executor = MigrationExecutor(connections["owner"])
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.stderr.write("Some migrations are not applied: functions and policies wait for them.")
            return result
        call_command("createcachetable", database="owner", verbosity=0)
        for name in catalogue.update(connections["owner"]):
            if options["verbosity"] > 1:
                self.stdout.write(f"  {name}")
        return result
