"""The first administrator of a new installation."""

from getpass import getpass

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand
from django.db import transaction

from accounts.choices import RoleCode
from accounts.models import Membership, Role, User
from accounts.operations import save_membership, save_user
from core.clock import now


class Command(BaseCommand):
    help = "Make a person who may configure the system; asks for the password."

    def add_arguments(self, parser) -> None:
        parser.add_argument("username")
        parser.add_argument("email")

    def handle(self, *args, **options) -> None:
        role = Role.objects.filter(organisation__code="IOM", code=RoleCode.ADMINISTRATOR).first()
        if role is None:
            self._stop("there is no organisation IOM yet: run load_programmes first")
        user = User(username=options["username"], email=options["email"])
        try:
            with transaction.atomic():
                save_user(
                    user=user, by=None, now=now(), password=getpass("Password (12 characters or more): ")
                )
                save_membership(
                    membership=Membership(user=user, role=role, starts_on=now().date()), by=None, now=now()
                )
        except ValidationError as error:
            self._stop(" ".join(error.messages))
        self.stdout.write(f"{user.username} may configure the system at /admin/")

    def _stop(self, why: str) -> None:
        self.stderr.write(f"create_administrator: {why}")
        raise SystemExit(1)
