"""Replaces Django's command: nobody sets another user's password."""

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """`manage.py changepassword`, which always refuses."""

    help = "Refused: each user chooses their own password."

    def add_arguments(self, parser) -> None:
        """Accept Django's arguments, so that the refusal is shown."""
        parser.add_argument("username", nargs="?")
        parser.add_argument("--database")

    def handle(self, *args, **options) -> None:
        """Raise CommandError."""
        raise CommandError(
            "nobody sets another's password: its user changes it at /accounts/password/, or asks for a link "
            "at /accounts/password/forgotten/"
        )
