"""Invented people by the hundred thousand, by COPY as the database's owner, for measurements.

The same number of people, seed and day give the same rows. Much simpler than `reintegration.demo`: beneficiaries,
identity documents, cases, case files, consents, admissions and access rows; no plans, grants or follow-ups.
Operations, triggers and policies are bypassed; check constraints and foreign keys apply.
"""

import random
from datetime import datetime

from django.db import connections, transaction

from reintegration.bulk import base_data, rows
from reintegration.bulk.base_data import is_loaded
from reintegration.bulk.copying import CopyBuffer, with_defaults, without_indexes

__all__ = ["NotEmpty", "is_loaded", "load", "require_empty"]

BATCH = 5_000  # people in memory at a time


class NotEmpty(RuntimeError):
    """The database has beneficiaries already."""


def require_empty() -> None:
    """Raise NotEmpty where the database has any beneficiary, whoever may see them."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM beneficiaries_beneficiary)")
        if cursor.fetchone()[0] or is_loaded():
            raise NotEmpty


def load(*, people: int, seed: int, now: datetime) -> dict[str, int]:
    """Write so many people, or none; return how many rows went into each table."""
    require_empty()
    rng = random.Random(f"{people} {seed}")  # noqa: S311 - invented people
    codes = base_data.save_ngos(people, now)
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        users = CopyBuffer(cursor, base_data.USER_COLUMNS)
        base_data.copy_users(rng, users, codes, people, now)
        buffer = CopyBuffer(cursor, rows.COLUMNS)
        builder = rows.RowBuilder(rng, base_data.read_base_data(codes, now), buffer.lines)
        with with_defaults(cursor, rows.COLUMNS), without_indexes(cursor, tuple(rows.COLUMNS)):
            for number in range(1, people + 1):
                builder.beneficiary()
                if number % BATCH == 0 or number == people:
                    buffer.flush()
        cursor.execute(
            "UPDATE accounts_organisation o SET cases_since = now() WHERE o.cases_since IS NULL "
            "AND EXISTS (SELECT 1 FROM beneficiaries_caseaccess a WHERE a.organisation_id = o.id)"
        )  # as the trigger on access rows would do
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")  # counts are quick while the visibility map is up to date
    return users.written | buffer.written
