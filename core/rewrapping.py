"""Changing the site's key: the keys of people and cases are wrapped anew; what they encrypt stays as it is.

A app that encrypts with the site's own key, or keeps an index made with it, adds to `more` what is to be done with it.
Values in the record that are about nobody (configuration) stay under the key of their day, as nothing in the record is
ever changed: to read those an old key is needed.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from psycopg2.extras import execute_values

from core import data_keys, encryption

BATCH = 2000


@dataclass
class Rewrapped:
    keys: int = 0
    rewrapped: int = 0
    others: int = 0


# Each is given a cursor as the owner, and says how many rows it changed.
hooks: list[Callable[..., int]] = []


def rewrap() -> Rewrapped:
    """Everything in one transaction: either the old key is needed nowhere, or all is as it was."""
    if "owner" not in settings.DATABASES:
        raise ImproperlyConfigured("MIGRATION_DATABASE_URL is missing: keys are wrapped anew as the owner")
    found = Rewrapped()
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute("SELECT subject_id, wrapped FROM core_datakey WHERE wrapped IS NOT NULL FOR UPDATE")
        rows = cursor.fetchall()
        found.keys, ring, changed = len(rows), encryption.ring(), []
        for subject, wrapped in rows:
            if not ring.is_newest(bytes(wrapped)):
                changed.append((subject, data_keys.wrap(subject, data_keys.unwrap(subject, wrapped))))
        for start in range(0, len(changed), BATCH):
            execute_values(
                cursor.cursor,
                "UPDATE core_datakey k SET wrapped = v.wrapped FROM (VALUES %s) AS v(id, wrapped) "
                "WHERE k.subject_id = v.id",
                changed[start : start + BATCH],
            )
        found.rewrapped = len(changed)
        found.others = sum(do(cursor) for do in hooks)
    return found
