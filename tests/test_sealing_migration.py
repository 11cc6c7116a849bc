"""A database in which people stood in clear: their words are sealed as it is migrated, and open afterwards."""

import os
import uuid

import pytest

from core import encryption, keys
from core.phone import phone_index
from core.sealing import cell
from tests import databases

BEFORE = [
    ("core", "0002_audit_chain"),
    ("beneficiaries", "0006_access_programmes"),
    ("reintegration", "0001_initial"),
]
MIGRATE = f"""
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
MigrationExecutor(connections["owner"]).migrate({BEFORE})
"""
PHONE = "980-4417009"


@pytest.fixture
def before():
    """A database as it was before, with two people and an interview that isn't finished."""
    name = f"test_iom_unsealed_{os.getpid()}"
    databases._administer(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name} TEMPLATE template0")
    try:
        databases.manage(name, "shell", "-v0", "-c", MIGRATE)
        yield name
    finally:
        databases._administer(f"DROP DATABASE IF EXISTS {name}")


def _insert(cursor, table: str, **values) -> str:
    """A row; what isn't given is what the column's kind makes empty."""
    cursor.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s AND is_nullable = 'NO'",
        [table],
    )
    empty = {"boolean": True, "date": "2020-01-01", "timestamp with time zone": "2020-01-01", "jsonb": "{}"}
    empty |= {"integer": 1, "character varying": "", "text": "", "uuid": str(uuid.uuid4())}
    row = {column: empty[kind] for column, kind in cursor.fetchall()} | values
    columns, places = ", ".join(row), ", ".join(["%s"] * len(row))
    cursor.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", list(row.values()))
    return row["id"]


def test_words_in_clear_are_sealed_and_open_afterwards(before):
    link = databases.as_owner(before)
    with link.cursor() as cursor:
        office = _insert(cursor, "accounts_organisation", code="X", name_en="X", kind="ngo")
        author = _insert(cursor, "accounts_user", username="x")
        people = [
            _insert(
                cursor,
                "beneficiaries_beneficiary",
                id=str(uuid.uuid4()),
                organisation_id=office,
                first_name="A",
                sex="female",
                has_citizenship_certificate="unknown",
                phone=phone,
                safe_contact=f"Way {phone}",
            )
            for phone in (PHONE, "")
        ]
        draft = _insert(
            cursor,
            "beneficiaries_intakedraft",
            author_id=author,
            organisation_id=office,
            person='{"needs": "Help"}',
        )
    databases.manage(before, "migrate", "-v0")
    with link.cursor() as cursor:
        cursor.execute("SELECT subject_id::text, wrapped FROM core_datakey")
        own = {subject: keys.unwrap(uuid.UUID(subject), wrapped) for subject, wrapped in cursor.fetchall()}
        cursor.execute("SELECT id::text, phone, safe_contact, phone_index FROM beneficiaries_beneficiary")
        rows = {key: tuple(bytes(value or b"") for value in rest) for key, *rest in cursor.fetchall()}
        cursor.execute("SELECT person FROM beneficiaries_intakedraft")
        ((interview,),) = cursor.fetchall()
    link.close()

    def opened(sealed: bytes, table: str, column: str, row: str) -> bytes:
        return keys.open_with(own[row], sealed, bound_to=cell(table, column, row))

    first, second = people
    told = "beneficiaries_beneficiary"
    assert opened(rows[first][0], told, "phone", first) == PHONE.encode()
    assert opened(rows[first][1], told, "safe_contact", first) == f"Way {PHONE}".encode()
    assert opened(rows[second][1], told, "safe_contact", second) == b"Way "
    assert (rows[first][2], rows[second][0], rows[second][2]) == (phone_index(PHONE), b"", b"")
    assert opened(bytes(interview), "beneficiaries_intakedraft", "person", draft) == b'{"needs": "Help"}'
    with pytest.raises(encryption.NotOpened):
        opened(rows[first][1], told, "safe_contact", second)
