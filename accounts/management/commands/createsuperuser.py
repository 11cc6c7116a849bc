"""Replaces Django's command: there are no superusers, and no password is typed into a command."""

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """`manage.py createsuperuser`, which always refuses."""

    help = "Refused: see create_administrator."

    def add_arguments(self, parser) -> None:
        """Accept Django's arguments, so that the refusal is shown."""
        parser.add_argument("--username")
        parser.add_argument("--email")
        parser.add_argument("--noinput", "--no-input", action="store_true")
        parser.add_argument("--database")

    def handle(self, *args, **options) -> None:
        """Raise CommandError."""
        raise CommandError(
            "there are no superusers: create_administrator prints a link for the first administrator"
        )
