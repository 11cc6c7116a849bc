"""The command `seed_demo`."""

from time import monotonic
from typing import NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction

from core.clock import now
from projects.models import Project
from reintegration import bulk, demo

MOST_BY_OPERATIONS = 2_000  # people; more are loaded by COPY, with less detail


class Command(BaseCommand):
    """Write demo users and invented cases."""

    help = "Write the demo users and invented cases. Refuses a database that holds anything it didn't write."

    def add_arguments(self, parser) -> None:
        """Add how many people, the seed, and the options for start-up scripts."""
        parser.add_argument("--people", type=int, default=63, help="how many people; past 2,000 by COPY")
        parser.add_argument("--seed", type=int, default=1, help="the same number gives the same people")
        parser.add_argument(
            "--if-empty", action="store_true", help="say nothing and do nothing when seeded already"
        )
        parser.add_argument("--sign-ins", action="store_true", help="only print the sign-ins")

    def handle(self, *args, **options) -> None:
        """Write the data, or print the sign-ins; exit with 1 where the database has other data."""
        if options["sign_ins"]:
            self._sign_ins()
            return
        is_seeded = self._is_seeded(by_copy=options["people"] > MOST_BY_OPERATIONS)
        if is_seeded:
            if not options["if_empty"]:
                self._refuse("this database is seeded already")
            return
        if not Project.objects.exists():
            self._refuse("there are no programmes yet: run load_programmes first")
        if options["people"] > MOST_BY_OPERATIONS:
            self._copy(options["people"], options["seed"])
            return
        with transaction.atomic():
            cases = demo.seed(people=options["people"], seed_number=options["seed"], now=now())
        self.stdout.write(f"people {cases} cases {cases} sign-ins {len(demo.DEMO_USERS)}")

    def _is_seeded(self, *, by_copy: bool) -> bool:
        """Return whether there is nothing to do. COPY continues where a broken run left only the demo users."""
        try:
            return bulk.is_loaded() or (demo.is_seeded() and not by_copy)
        except demo.NotDemoData:
            self._refuse("this database holds people that seed_demo didn't write")

    def _copy(self, people: int, seed: int) -> None:
        """Write the demo users, then everything else by COPY as the database's owner."""
        if "owner" not in settings.DATABASES:
            self._refuse("MIGRATION_DATABASE_URL is missing: so many people are loaded as the owner's role")
        started = monotonic()
        try:
            bulk.require_empty()
            if not demo.is_seeded():
                with transaction.atomic():
                    demo.seed(people=0, seed_number=seed, now=now())
            written = bulk.load(people=people, seed=seed, now=now())
        except bulk.NotEmpty:
            self._refuse("this database holds people already")
        for table, count in written.items():
            self.stdout.write(f"{table:<28}{count:>12,}")
        cases, seconds = written["beneficiaries_case"], monotonic() - started
        self.stdout.write(
            f"people {people} cases {cases} sign-ins {len(demo.DEMO_USERS)} seconds {seconds:.0f}"
        )

    def _refuse(self, why: str) -> NoReturn:
        self.stderr.write(f"seed_demo: {why}")
        raise SystemExit(1)

    def _sign_ins(self) -> None:
        for username, (_first, _family, organisation, role, _language) in demo.DEMO_USERS.items():
            self.stdout.write(f"  {username:<22} {demo.password_of(username)}   {organisation}, {role}")
