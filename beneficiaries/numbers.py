"""Rebuild the indexes of telephone and document numbers when the site's key changes."""

from collections.abc import Callable, Sequence

from psycopg2.extras import execute_values

from beneficiaries.identity import number_index
from core import data_keys
from core.encrypted_fields import cell
from core.phone import phone_indexes
from core.rewrapping import BATCH

PHONES = """
    SELECT b.id, b.id, b.phone, k.wrapped, b.phone_index, b.phone_index_2, b.phone_index_3
      FROM beneficiaries_beneficiary b JOIN core_datakey k ON k.subject_id = b.id
     WHERE length(b.phone) > 0 AND k.wrapped IS NOT NULL
"""
CHANGE_PHONES = """
    UPDATE beneficiaries_beneficiary b
       SET phone_index = v.first, phone_index_2 = v.second::bytea, phone_index_3 = v.third::bytea
      FROM (VALUES %s) AS v(id, first, second, third) WHERE b.id = v.id
"""
IDENTITY_NUMBERS = """
    SELECT d.id, d.beneficiary_id, d.number, k.wrapped, d.number_index
      FROM beneficiaries_identitydocument d JOIN core_datakey k ON k.subject_id = d.beneficiary_id
     WHERE length(d.number) > 0 AND k.wrapped IS NOT NULL
"""
CHANGE_IDENTITY_NUMBERS = """
    UPDATE beneficiaries_identitydocument d SET number_index = v.first
      FROM (VALUES %s) AS v(id, first) WHERE d.id = v.id
"""


def index_numbers(cursor) -> int:
    """Index every number under the newest key, as the database's owner, in batches. Return how many rows changed."""
    return _index(
        cursor, PHONES, CHANGE_PHONES, cell_of=("beneficiaries_beneficiary", "phone"), indexes=phone_indexes
    ) + _index(
        cursor,
        IDENTITY_NUMBERS,
        CHANGE_IDENTITY_NUMBERS,
        cell_of=("beneficiaries_identitydocument", "number"),
        indexes=lambda number: [number_index(number)],
    )


def _index(
    cursor,
    select: str,
    change: str,
    *,
    cell_of: tuple[str, str],
    indexes: Callable[[str], Sequence[bytes | None]],
) -> int:
    """Compute the indexes of the selected rows: id, subject, number, wrapped data key, and its indexes as they are."""
    cursor.execute(select)
    changed = []
    for pk, subject, encrypted, wrapped, *before in cursor.fetchall():
        data_key = data_keys.unwrap(subject, wrapped)
        plain = data_keys.decrypt_under(data_key, encrypted, bound_to=cell(*cell_of, pk))
        found = list(indexes(plain.decode()))
        if found != [index and bytes(index) for index in before]:
            changed.append((pk, *found))
    for start in range(0, len(changed), BATCH):
        execute_values(cursor.cursor, change, changed[start : start + BATCH])
    return len(changed)
