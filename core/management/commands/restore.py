"""Fill an empty database from an encrypted backup."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import backup


class Command(BaseCommand):
    """`manage.py restore FILE`."""

    help = "Fill an empty database, and the folder of files, from an encrypted copy. As the owner."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file to read."""
        parser.add_argument("file", type=Path)

    def handle(self, *args: object, file: Path, **options: object) -> None:
        """Print the counts and the audit log's head."""
        try:
            found = backup.restore(file)
        except (backup.BackupFailed, OSError) as error:
            raise CommandError(str(error)) from error
        rows = sum(found.rows.values())
        self.stdout.write(f"tables {len(found.rows)} rows {rows} files {len(found.files)}")
        self.stdout.write(found.head)
