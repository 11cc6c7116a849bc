"""Reset the second factor of a user who lost it, if no administrator can do it on the site."""

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand

from accounts.models import User
from accounts.operations.factor import reset_second_factor
from core.clock import now


class Command(BaseCommand):
    """`manage.py reset_second_factor USERNAME`."""

    help = "Ask to take away a user's second step for signing in; a second user approves it."

    def add_arguments(self, parser) -> None:
        """Take the user name."""
        parser.add_argument("username")

    def handle(self, *args, **options) -> None:
        """Reset the factor, or ask a second user to approve it for a guarded user."""
        user = User.objects.filter(username=options["username"], is_active=True).first()
        if user is None:
            self.stderr.write(f"reset_second_factor: nobody active is called {options['username']}")
            raise SystemExit(1)
        try:
            asked = reset_second_factor(user=user, by=None, now=now())
        except ValidationError as error:
            self.stderr.write(f"reset_second_factor: {' '.join(error.messages)}")
            raise SystemExit(1) from error
        if asked is None:
            self.stdout.write(f"{user.username} signs in with a password alone and sets up a new second step")
        else:
            self.stdout.write("asked for: a second user has to approve it on the site, and is notified")
