"""Invented people by the hundred thousand, through COPY as the owner: for measuring, not for telling.

The same number of people, seed and day give the same rows. Much plainer than the stories of
`reintegration.demo`: people, cases, files, consents, admissions and who holds which case; no plans, grants
or visits. Operations, triggers and policies are passed by; checks and foreign keys hold all the same.
"""

import random
from datetime import datetime

from django.db import connections, transaction

from reintegration.bulk import ground, rows
from reintegration.bulk.copying import Sheets, bare
from reintegration.bulk.ground import is_loaded

__all__ = ["HoldsPeople", "is_loaded", "load", "require_empty"]

BATCH = 5_000  # people held in memory at a time


class HoldsPeople(RuntimeError):
    """The database holds people already."""


def require_empty() -> None:
    """Refuse a database that holds anybody, whoever may see them."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM beneficiaries_beneficiary)")
        if cursor.fetchone()[0] or is_loaded():
            raise HoldsPeople


def load(*, people: int, seed: int, now: datetime) -> dict[str, int]:
    """Write so many people; how many rows went into each table. All of them or none."""
    require_empty()
    rng = random.Random(f"{people} {seed}")  # noqa: S311 - invented people
    codes = ground.save_ngos(people, now)
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        users = Sheets(cursor, ground.USER_COLUMNS)
        ground.copy_users(rng, users, codes, people, now)
        sheets = Sheets(cursor, rows.COLUMNS)
        builder = rows.RowBuilder(rng, ground.survey(codes, now), sheets.lines)
        with bare(cursor, tuple(rows.COLUMNS)):
            for number in range(1, people + 1):
                builder.beneficiary()
                if number % BATCH == 0 or number == people:
                    sheets.flush()
        cursor.execute(
            "UPDATE accounts_organisation o SET cases_since = now() WHERE o.cases_since IS NULL "
            "AND EXISTS (SELECT 1 FROM beneficiaries_caseaccess a WHERE a.organisation_id = o.id)"
        )  # as the trigger on access rows would have noted
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")  # counts are quick while the visibility map is fresh
    return users.written | sheets.written
