"""Print where the record's chains have come to, to be kept where the database's owner can't reach it."""

from django.core.management.base import BaseCommand

from core import chain


class Command(BaseCommand):
    help = "Print the head of the record, one line a chain, for `verify_audit --head FILE`."

    def handle(self, *args: object, **options: object) -> None:
        self.stdout.write(chain.head_text(chain.head()))
