"""Add the first administrator of a new installation."""

from typing import NoReturn

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand
from django.db import transaction

from accounts.choices import RoleCode
from accounts.models import Membership, Role, User
from accounts.operations.invitation import invitation_path
from accounts.operations.users import ask_role, save_membership, save_user
from accounts.queries import awaits_password
from core.clock import now


class Command(BaseCommand):
    """`manage.py create_administrator USERNAME EMAIL`."""

    help = "Add the first administrator, and print a link where they choose their password. Once more while unused."

    def add_arguments(self, parser) -> None:
        """Take user name and address."""
        parser.add_argument("username")
        parser.add_argument("email")

    def handle(self, *args, **options) -> None:
        """Add the administrator and print the link; if there is one already, ask a second user to approve."""
        role = Role.objects.filter(organisation__code="IOM", code=RoleCode.ADMINISTRATOR).first()
        if role is None:
            self._stop("there is no organisation IOM yet: run load_programmes first")
        administrators = [membership.user for membership in role.memberships.select_related("user")]
        user = User(username=options["username"], email=options["email"])
        if not administrators:
            try:
                with transaction.atomic():
                    save_user(user=user, by=None, now=now())
                    given = Membership(user=user, role=role, starts_on=now().date())
                    save_membership(membership=given, by=None, now=now())
            except ValidationError as error:
                self._stop(" ".join(error.messages))
        elif [one.username for one in administrators] == [user.username] and awaits_password(
            administrators[0]
        ):
            user = administrators[0]
        else:
            self._ask(user, role)
            return
        self.stdout.write(f"{user.username} chooses a password within three days, once, at:")
        self.stdout.write(f"{settings.SITE_URL}{invitation_path(user)}")

    def _ask(self, user: User, role: Role) -> None:
        """Ask a second user to approve another administrator, who is invited by mail then."""
        try:
            with transaction.atomic():
                save_user(user=user, by=None, now=now())
                given = Membership(user=user, role=role, starts_on=now().date())
                ask_role(membership=given, by=None, now=now(), reason="create_administrator")
        except ValidationError as error:
            self._stop(" ".join(error.messages))
        self.stdout.write(
            "there is an administrator already: a second user has to approve another one on the site"
        )

    def _stop(self, why: str) -> NoReturn:
        self.stderr.write(f"create_administrator: {why}")
        raise SystemExit(1)
