"""Invented people and cases, to try the software out."""

from django.core.management.base import BaseCommand
from django.db import transaction

from core.clock import now
from projects.models import Project
from reintegration import demo


class Command(BaseCommand):
    help = "Write the cast and invented cases. Refuses a database that holds anything it didn't write."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--people", type=int, default=63, help="how many people, each with a case")
        parser.add_argument("--seed", type=int, default=1, help="the same number gives the same people")
        parser.add_argument(
            "--if-empty", action="store_true", help="say nothing and do nothing when seeded already"
        )
        parser.add_argument("--sign-ins", action="store_true", help="only print the sign-ins")

    def handle(self, *args, **options) -> None:
        if options["sign_ins"]:
            self._sign_ins()
            return
        try:
            seeded = demo.is_seeded()
        except demo.NotOurs:
            self._refuse("this database holds people that seed_demo didn't write")
        if seeded:
            if not options["if_empty"]:
                self._refuse("this database is seeded already")
            return
        if not Project.objects.exists():
            self._refuse("there are no programmes yet: run load_programmes first")
        with transaction.atomic():
            cases = demo.seed(people=options["people"], seed_number=options["seed"], now=now())
        self.stdout.write(f"people {cases} cases {cases} sign-ins {len(demo.CAST)}")

    def _refuse(self, why: str) -> None:
        self.stderr.write(f"seed_demo: {why}")
        raise SystemExit(1)

    def _sign_ins(self) -> None:
        for username, (_first, _family, organisation, role, _language) in demo.CAST.items():
            self.stdout.write(f"  {username:<22} {demo.password_of(username)}   {organisation}, {role}")
