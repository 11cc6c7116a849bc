"""Thousands of cases by COPY: the rows are those that operations and triggers would have written."""

import os
import re
import subprocess
import sys

import pytest

from core import reference
from reintegration.bulk.base_data import SHRINK, ngo_count, user_count
from reintegration.bulk.rows import COLUMNS
from tests import databases

PEOPLE = 2_100  # the fewest hundreds that are loaded by COPY
CATALOGUE = """
    SELECT r.relname, c.conname, pg_get_constraintdef(c.oid), c.convalidated::text
      FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid WHERE r.relnamespace = 'public'::regnamespace
    UNION ALL SELECT tablename, indexname, indexdef, '' FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), tgenabled::text
      FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT table_name, column_name, column_default, '' FROM information_schema.columns
     WHERE table_schema = 'public'
    UNION ALL SELECT relname, '', relrowsecurity::text, relforcerowsecurity::text
      FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    ORDER BY 1, 2, 3
"""
ROWS = "SELECT id, case_id, organisation_id, level, basis, expires_at, reference, status, district_id,"
ROWS += " lead_organisation_id, changed_on, risk, caseworker_id, programmes FROM beneficiaries_caseaccess ORDER BY id"


def _answer(cursor, statement: str, *values) -> list[tuple]:
    cursor.execute(statement, values)
    return cursor.fetchall()


def _digest(cursor, table: str) -> str:
    """A statement over all columns of a table that are no bytes."""
    ((columns,),) = _answer(
        cursor,
        "SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position) "
        "FROM information_schema.columns WHERE table_name = %s AND data_type <> 'bytea'",
        table,
    )
    return f"SELECT md5(string_agg(ROW({columns})::text, ',' ORDER BY id)) FROM {table}"


def _seed(name: str, *words: str, check: bool = True) -> subprocess.CompletedProcess:
    return databases.manage(name, "seed_demo", "--people", str(PEOPLE), *words, check=check)


def _emptied(name: str) -> None:
    """Delete everything except the demo users and the programmes."""
    link = databases.as_owner(name)
    with link.cursor() as cursor:
        cursor.execute("TRUNCATE beneficiaries_beneficiary, beneficiaries_case CASCADE")
    link.close()


@pytest.fixture(scope="module")
def loaded():
    """Load a database by COPY; yield its name, the output, and its catalogue from before."""
    with databases.clone(f"test_iom_bulk_{os.getpid()}") as name:
        _emptied(name)
        link = databases.as_owner(name)
        with link.cursor() as cursor:
            before = _answer(cursor, CATALOGUE)
        link.close()
        yield name, _seed(name).stdout, before


@pytest.fixture
def asked(loaded):
    """Yield a cursor as the owner on the loaded database, in a transaction that is rolled back."""
    link = databases.as_owner(loaded[0])
    link.autocommit = False
    with link.cursor() as cursor:
        yield cursor
    link.rollback()
    link.close()


def test_there_are_1_5_cases_for_each_beneficiary(loaded, asked):
    people, cases = map(int, re.search(r"^people (\d+) cases (\d+) ", loaded[1], re.M).groups())
    assert people == PEOPLE == _answer(asked, "SELECT count(*) FROM beneficiaries_beneficiary")[0][0]
    assert cases == _answer(asked, "SELECT count(*) FROM beneficiaries_case")[0][0]
    assert 1.45 < cases / people < 1.55
    (still_open,) = _answer(asked, "SELECT count(*) FROM beneficiaries_case WHERE status <> 'closed'")[0]
    assert 0.26 < still_open / cases < 0.34


def test_access_rows_are_those_of_the_triggers(loaded, asked):
    """Computing each case's access rows anew changes nothing, and no copy has drifted."""
    before = _answer(asked, ROWS)
    assert {row[3] for row in before} == {"lead", "working", "summary"}
    assert [row for row in before if row[5] is not None] != []
    asked.execute("SELECT count(access.settle_access(id)) FROM beneficiaries_case")
    assert _answer(asked, ROWS) == before
    assert databases.manage(loaded[0], "check_access").stdout == f"rows {len(before)} drifted 0\n"


def test_the_comparison_of_access_rows_notices_a_row_too_many(asked):
    """The comparison above can fail: a share without consent is removed."""
    asked.execute("UPDATE beneficiaries_consent SET withdrawn_on = asked_on WHERE purpose = 'sharing'")
    assert [row for row in _answer(asked, ROWS) if row[4] == "consent"] == []


def test_triggers_indexes_and_keys_are_restored(loaded, asked):
    assert _answer(asked, CATALOGUE) == loaded[2]


def test_references_are_valid_and_in_no_order(asked):
    found = [
        row[0] for row in _answer(asked, "SELECT reference FROM beneficiaries_case ORDER BY created_at, id")
    ]
    assert [reference.tidy(text) for text in found] == found
    assert len(set(found)) == len(found)
    assert found != sorted(found)


def test_children_never_consent_without_a_guardian(asked):
    alone = """
        SELECT count(*) FROM beneficiaries_consent n JOIN beneficiaries_case c ON c.id = n.case_id
          JOIN beneficiaries_beneficiary b ON b.id = c.beneficiary_id
         WHERE (age(n.asked_on, b.birth_on) < interval '18 years') <> (n.given_by = 'guardian')
    """
    assert _answer(asked, alone) == [(0,)]
    assert _answer(asked, "SELECT count(*) > 20 FROM beneficiaries_consent WHERE given_by = 'guardian'") == [
        (True,)
    ]


def test_a_caseworker_sees_the_cases_of_their_organisation_and_no_other(loaded, asked):
    """By the application's role: the rows that the access table allows, and no others."""
    wanted = _answer(
        asked,
        "SELECT count(*) FROM beneficiaries_caseaccess a JOIN accounts_organisation o ON o.id = a.organisation_id"
        " WHERE o.code = 'NGO_B' AND a.level IN ('lead', 'working')"
        " AND (a.expires_at IS NULL OR a.expires_at > now())",
    )
    script = (
        "from accounts.models import User; from core.context import acting_as;"
        "from beneficiaries.models import Case; u = User.objects.get(username='ngo_b_caseworker')\n"
        "with acting_as(u): print(Case.objects.count())"
    )
    assert int(databases.manage(loaded[0], "shell", "-v0", "-c", script).stdout) == wanted[0][0] > 100


def test_identity_documents_are_found_by_their_number(loaded, asked):
    """About one for each beneficiary; each number is the application's to decrypt, and occurs once."""
    asked.execute("SELECT count(*), count(DISTINCT number_index) FROM beneficiaries_identitydocument")
    documents, numbers = asked.fetchone()
    assert 0.9 < documents / PEOPLE < 1.1
    assert numbers == documents
    script = (
        "from accounts.models import User; from core.context import acting_as;"
        "from beneficiaries.models import IdentityDocument as D; u = User.objects.get(username='ngo_b_caseworker')\n"
        "with acting_as(u): documents = D.objects.all()[:50];"
        " print(*{(d.number[:2], D.objects.numbered(d.number).count()) for d in documents})"
    )
    found = databases.manage(loaded[0], "shell", "-v0", "-c", script).stdout
    assert set(re.findall(r"\('(..)', (\d+)\)", found)) == {("27", "1"), ("PA", "1")}


def test_the_same_number_and_seed_give_the_same_beneficiaries(asked):
    """Except what is encrypted, and its keys: those are random."""
    with databases.clone(f"test_iom_bulk_again_{os.getpid()}") as name:
        _emptied(name)
        _seed(name)
        link = databases.as_owner(name)
        with link.cursor() as cursor:
            for table in COLUMNS.keys() - {"core_datakey"}:
                digest = _digest(asked, table)
                assert _answer(cursor, digest) == _answer(asked, digest), table
        link.close()


def test_a_database_with_beneficiaries_is_refused(loaded):
    with databases.clone(f"test_iom_bulk_refused_{os.getpid()}") as name:
        refused = _seed(name, check=False)
        assert (refused.returncode, refused.stderr) == (1, "seed_demo: this database holds people already\n")
    again = _seed(loaded[0], check=False)
    assert (again.returncode, again.stderr) == (1, "seed_demo: this database is seeded already\n")
    assert _seed(loaded[0], "--if-empty").stdout == ""


def test_without_the_owners_address_one_line_says_so(loaded):
    environment = databases.environment(loaded[0])
    with databases.clone(f"test_iom_bulk_app_{os.getpid()}") as name:
        environment = databases.environment(name) | {"MIGRATION_DATABASE_URL": ""}
        done = subprocess.run(
            [sys.executable, "manage.py", "seed_demo", "--people", str(PEOPLE)],
            cwd=databases.ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("seed_demo: MIGRATION_DATABASE_URL is missing")


@pytest.mark.parametrize(
    ("people", "ngos", "users"),
    [(2_100, 2, 42), (50_000, 30, 1_000), (100_000, 60, 2_000), (10**6, 60, 2_000)],
)
def test_organisations_and_users_grow_with_the_beneficiaries(people, ngos, users):
    assert (ngo_count(people), user_count(people)) == (ngos, users)


def test_the_largest_of_sixty_has_a_tenth_of_the_cases_and_the_smallest_few():
    shares = [SHRINK**rank for rank in range(60)]
    assert round(100 * shares[0] / sum(shares)) == 9
    assert shares[-1] / sum(shares) < 0.001
