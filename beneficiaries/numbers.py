"""Rebuild the indexes of telephone numbers when the site's key changes."""

from psycopg2.extras import execute_values

from core import data_keys
from core.encrypted_fields import cell
from core.phone import phone_indexes
from core.rewrapping import BATCH

NUMBERS = """
    SELECT b.id, b.phone, b.phone_index, b.phone_index_2, b.phone_index_3, k.wrapped
      FROM beneficiaries_beneficiary b JOIN core_datakey k ON k.subject_id = b.id
     WHERE length(b.phone) > 0 AND k.wrapped IS NOT NULL
"""
CHANGE = """
    UPDATE beneficiaries_beneficiary b
       SET phone_index = v.first, phone_index_2 = v.second::bytea, phone_index_3 = v.third::bytea
      FROM (VALUES %s) AS v(id, first, second, third) WHERE b.id = v.id
"""


def index_numbers(cursor) -> int:
    """Index every number under the newest key, as the database's owner, in batches. Return how many rows changed."""
    cursor.execute(NUMBERS)
    changed = []
    for pk, encrypted, *indexes, wrapped in cursor.fetchall():
        bound = cell("beneficiaries_beneficiary", "phone", pk)
        plain = data_keys.decrypt_under(data_keys.unwrap(pk, wrapped), encrypted, bound_to=bound)
        found = phone_indexes(plain.decode())
        if found != [index and bytes(index) for index in indexes]:
            changed.append((pk, *found))
    for start in range(0, len(changed), BATCH):
        execute_values(cursor.cursor, CHANGE, changed[start : start + BATCH])
    return len(changed)
