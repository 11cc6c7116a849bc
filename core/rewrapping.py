"""Changing the site's key: data keys are wrapped with the new key; what they encrypt doesn't change.

An app that encrypts with the site's key, or stores an index made with it, appends a function to `hooks`. Audit events
about configuration, which have no data key, stay encrypted with the site key of their time, as audit events never
change: reading them takes the old key.
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
    """How many data keys there are, how many of them were rewrapped, and how many other rows changed."""

    keys: int = 0
    rewrapped: int = 0
    others: int = 0


# Each is called with a cursor as the owner, and returns how many rows it changed.
hooks: list[Callable[..., int]] = []


def rewrap() -> Rewrapped:
    """Rewrap everything in one transaction: afterwards the old key is needed nowhere, or nothing has changed."""
    if "owner" not in settings.DATABASES:
        raise ImproperlyConfigured("MIGRATION_DATABASE_URL is missing: keys are rewrapped as the owner")
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
        found.others = sum(hook(cursor) for hook in hooks)
    return found
