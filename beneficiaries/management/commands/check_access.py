"""The command `check_access`."""

from django.core.management.base import BaseCommand
from django.db import connection


class Command(BaseCommand):
    """Check that the copies in access rows agree with their cases."""

    help = "Compare access rows with the cases they copy from. Exit 1 where one has drifted."

    def handle(self, *args, **options) -> None:
        """Print the counts; exit with 1 where a row differs."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT checked, drifted FROM access.access_drift()")
            checked, drifted = cursor.fetchone()
        self.stdout.write(f"rows {checked} drifted {drifted}")
        if drifted:
            raise SystemExit(1)
