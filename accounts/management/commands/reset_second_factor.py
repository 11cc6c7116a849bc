"""Take away the second factor of somebody who lost it, where no administrator is left who could."""

from django.core.management.base import BaseCommand

from accounts.models import User
from accounts.operations import reset_second_factor
from core.clock import now


class Command(BaseCommand):
    help = "Take away a person's second step for signing in; they are told by mail and set up a new one."

    def add_arguments(self, parser) -> None:
        parser.add_argument("username")

    def handle(self, *args, **options) -> None:
        user = User.objects.filter(username=options["username"], is_active=True).first()
        if user is None:
            self.stderr.write(f"reset_second_factor: nobody active is called {options['username']}")
            raise SystemExit(1)
        reset_second_factor(user=user, by=None, now=now())
        self.stdout.write(f"{user.username} signs in with a password alone and sets up a new second step")
