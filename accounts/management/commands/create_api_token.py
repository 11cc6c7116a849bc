"""Create or revoke API tokens on the server."""

from typing import NoReturn

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand

from accounts.models import User
from accounts.operations.token import TOKEN_DAYS, create_api_token, revoke_api_tokens
from core.clock import now


class Command(BaseCommand):
    """`manage.py create_api_token USERNAME`."""

    help = "Print an API token for a user, once. With --revoke: end all tokens of that user instead."

    def add_arguments(self, parser) -> None:
        """Take the user name, and the token's name and validity, or --revoke."""
        parser.add_argument("username")
        parser.add_argument("--name", default="command line", help="what the token is for")
        parser.add_argument("--days", type=int, default=TOKEN_DAYS, help="how long it holds (default 90)")
        parser.add_argument("--revoke", action="store_true", help="end all tokens of this user")

    def handle(self, *args, **options) -> None:
        """Print the token; its user has to confirm it on the site."""
        user = User.objects.filter(username=options["username"], is_active=True).first()
        if user is None:
            self._stop(f"nobody active is called {options['username']}")
        if options["revoke"]:
            ended = revoke_api_tokens(user=user, by=None, now=now())
            self.stdout.write(f"{ended} tokens of {user.username} ended")
            return
        if not 1 <= options["days"] <= 366 or not 1 <= len(options["name"]) <= 100:
            self._stop("a token holds 1 to 366 days and has a name of at most 100 characters")
        try:
            _token, text = create_api_token(
                user=user, name=options["name"], days=options["days"], by=None, now=now()
            )
        except ValidationError as error:
            self._stop(" ".join(error.messages))
        self.stdout.write(text)

    def _stop(self, why: str) -> NoReturn:
        self.stderr.write(f"create_api_token: {why}")
        raise SystemExit(1)
