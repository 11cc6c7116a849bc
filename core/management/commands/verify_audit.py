"""Verify the audit log's hash chains; exit 1 if anything is broken."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import chain


class Command(BaseCommand):
    """`manage.py verify_audit`."""

    help = "Verify the audit log's hash chains; with --head FILE also against a head that was stored outside."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a file with a trusted head."""
        parser.add_argument("--head", type=Path, help="what `audit_head` printed at an earlier time")

    def handle(self, *args: object, head: Path | None, **options: object) -> None:
        """Print up to 20 problems and the counts."""
        try:
            trusted = chain.head_from(head.read_text(encoding="utf-8")) if head else {}
        except (OSError, ValueError) as error:
            raise CommandError(f"{head}: {error}") from error
        found = chain.verify(trusted)
        for problem in found.broken[:20]:
            self.stdout.write(problem)
        self.stdout.write(f"events {found.events} broken {len(found.broken)}")
        if found.broken:
            raise SystemExit(1)
