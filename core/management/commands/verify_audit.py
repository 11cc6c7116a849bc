"""Walk the record's chains; exit 1 at the first broken link."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import chain


class Command(BaseCommand):
    help = "Walk the record's chains; with --head FILE also against a head that was kept outside."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--head", type=Path, help="what `audit_head` printed at an earlier time")

    def handle(self, *args: object, head: Path | None, **options: object) -> None:
        try:
            kept = chain.head_from(head.read_text(encoding="utf-8")) if head else {}
        except (OSError, ValueError) as error:
            raise CommandError(f"{head}: {error}") from error
        found = chain.verify(kept)
        for told in found.broken[:20]:
            self.stdout.write(told)
        self.stdout.write(f"events {found.events} broken {len(found.broken)}")
        if found.broken:
            raise SystemExit(1)
