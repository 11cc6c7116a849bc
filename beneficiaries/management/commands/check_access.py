"""Whether the copies in access rows agree with the cases."""

from django.core.management.base import BaseCommand
from django.db import connection


class Command(BaseCommand):
    help = "Compare access rows with the cases they copy from. Exit 1 where one has drifted."

    def handle(self, *args, **options) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT checked, drifted FROM access.access_drift()")
            checked, drifted = cursor.fetchone()
        self.stdout.write(f"rows {checked} drifted {drifted}")
        if drifted:
            raise SystemExit(1)
