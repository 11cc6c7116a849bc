"""In place of Django's: nobody sets another's password."""

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Refused: each user chooses their own password."

    def add_arguments(self, parser) -> None:
        parser.add_argument("username", nargs="?")
        parser.add_argument("--database")

    def handle(self, *args, **options) -> None:
        raise CommandError(
            "nobody sets another's password: its user changes it at /accounts/password/, or asks for a link "
            "at /accounts/password/forgotten/"
        )
