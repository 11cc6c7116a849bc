"""Print the head of the audit log's chains, to be stored where the database's owner can't change it."""

from django.core.management.base import BaseCommand

from core import chain


class Command(BaseCommand):
    """`manage.py audit_head`."""

    help = "Print the head of the audit log, one line a chain, for `verify_audit --head FILE`."

    def handle(self, *args: object, **options: object) -> None:
        """Print one line per shard."""
        self.stdout.write(chain.head_text(chain.head()))
