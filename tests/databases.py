"""The tests' databases: one template, made and migrated as the owner; clones of it, used as the application.

The template holds the programmes, the places and a small demo caseload. It is named after a digest of what it
was made from and used again while that stays the same, so that a second run starts at once.
"""

import fcntl
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2

ROOT = Path(__file__).resolve().parent.parent
MADE_FROM = (
    "tests/databases.py",
    "tests/hashes.py",
    "*/migrations/*.py",
    "*/sql/*.sql",
    "*/models.py",
    "*/models/*.py",
    "*/programmes/*.yaml",
    "*/operations.py",
    "*/operations/*.py",
    "*/demo/*.py",
    "core/*.py",
    "accounts/*.py",
    "beneficiaries/*.py",
    "geography/data/*.json",
)
PEOPLE = 42
# `make soak` tests many changed copies of the checkout at once: each has a prefix of its own for its
# databases. Its template is made from an existing one (TEST_TEMPLATE_FROM), as migrating brings the access
# policies in line with the copy, or is an existing one, unchanged (TEST_TEMPLATE).
PREFIX = os.environ.get("TEST_DATABASES", "test_iom")
FROM, READY = os.environ.get("TEST_TEMPLATE_FROM", ""), os.environ.get("TEST_TEMPLATE", "")


def url(role: str, name: str) -> str:
    """Return the address of a database for `app` or `owner`."""
    variable = {"app": "DATABASE_URL", "owner": "MIGRATION_DATABASE_URL"}[role]
    return urlunsplit(urlsplit(os.environ[variable])._replace(path=f"/{name}"))


def as_owner(name: str):
    """Return a connection to a database as its owner, outside Django, each statement committed by itself."""
    connection = psycopg2.connect(url("owner", name))
    connection.autocommit = True
    return connection


def _administer(*statements: str) -> None:
    connection = as_owner("postgres")
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    finally:
        connection.close()


def _digest() -> str:
    digest = hashlib.sha256(f"{date.today()} {PEOPLE} {os.environ['SECRET_KEY']}".encode())
    for pattern in MADE_FROM:
        for path in sorted(ROOT.glob(pattern)):
            if pattern.startswith("tests/") or not {"tests", ".venv"} & set(path.parts):
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def environment(name: str) -> dict[str, str]:
    """Return the environment of a process that works on this database."""
    return {**os.environ, "DATABASE_URL": url("app", name), "MIGRATION_DATABASE_URL": url("owner", name)}


def manage(name: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
    """Run a management command on a database, in a process of its own whose password hashes are cheap."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.hashes", *arguments],
        env=environment(name),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    if check and done.returncode:
        raise RuntimeError(f"manage.py {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}")
    return done


def _exists(name: str) -> bool:
    connection = as_owner("postgres")
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            return cursor.fetchone() is not None
    finally:
        connection.close()


def template() -> str:
    """Return the template's name; make the template first where it is missing. Parallel processes wait for
    one.
    """
    if READY:
        return READY
    name = f"{PREFIX}_template_{_digest()}"
    with open(Path(tempfile.gettempdir()) / "iom_cases_tests.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _exists(name):
            if not FROM:
                _drop_old()
            making = f"{name}_making"
            source = f" TEMPLATE {FROM}" if FROM else ""
            _administer(f"DROP DATABASE IF EXISTS {making}", f"CREATE DATABASE {making}{source}")
            _administer(
                f"REVOKE ALL ON DATABASE {making} FROM PUBLIC",
                f"GRANT CONNECT ON DATABASE {making} TO iom_app",
                f"ALTER DATABASE {making} SET synchronous_commit = off",
            )
            manage(making, "migrate", "-v0")
            if not FROM:
                manage(making, "load_programmes")
                manage(making, "seed_demo", "--people", str(PEOPLE))
            _add_test_functions(making)
            _administer(f"ALTER DATABASE {making} RENAME TO {name}")
    return name


def _add_test_functions(name: str) -> None:
    """Add the function behind factories.set_up: give access without a second user for the rest of a
    transaction.
    """
    with closing(as_owner(name)) as link, link.cursor() as cursor:
        cursor.execute(
            """
            CREATE SCHEMA IF NOT EXISTS tests;
            GRANT USAGE ON SCHEMA tests TO iom_app;
            CREATE OR REPLACE FUNCTION tests.set_up() RETURNS void
                LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
            BEGIN
                SET CONSTRAINTS ALL IMMEDIATE;
                ALTER TABLE accounts_membership DISABLE TRIGGER membership_is_approved;
                ALTER TABLE accounts_organisationgrouppermission DISABLE TRIGGER permission_is_approved;
                ALTER TABLE projects_projectgrouppermission DISABLE TRIGGER programme_is_approved;
                ALTER TABLE accounts_user DISABLE TRIGGER account_is_approved;
                SET CONSTRAINTS ALL DEFERRED;
            END $$;
            REVOKE ALL ON FUNCTION tests.set_up() FROM PUBLIC;
            GRANT EXECUTE ON FUNCTION tests.set_up() TO iom_app;
            """
        )


def _drop_old() -> None:
    """Drop templates that are out of date, and clones whose process is gone."""
    connection = as_owner("postgres")
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                r"SELECT datname FROM pg_database d WHERE datname LIKE 'test\_iom\_%' "
                "AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.datid = d.oid)"
            )
            for (name,) in cursor.fetchall():
                process = re.search(r"_(\d+)(_\d+)?$", name)
                if "template" in name or (process and not Path(f"/proc/{process.group(1)}").exists()):
                    cursor.execute(f"DROP DATABASE IF EXISTS {name}")
    finally:
        connection.close()


@dataclass
class Settled:
    """How many access rows were compared with their cases at the end of tests, and how many had drifted."""

    rows: int = 0
    drifted: int = 0

    def take(self, cursor, *, drifts: bool = False) -> None:
        """Compare now; fails on a difference unless the test is marked `drifts`."""
        cursor.execute("SELECT checked, drifted FROM access.access_drift()")
        rows, drifted = cursor.fetchone()
        if not drifts:
            self.rows += rows
            self.drifted += drifted
            assert drifted == 0, f"{drifted} of {rows} access rows no longer say what their case says"


settled = Settled()


@contextmanager
def clone(name: str, *, source: str = "", drifts: bool = False) -> Iterator[str]:
    """Make a copy of a database, by default the template; dropped afterwards, once its access rows agree with its
    cases.

    Dropped without FORCE, which would need the right to end autovacuum: PostgreSQL waits for it by itself.
    """
    source = source or template()
    _administer(
        f"DROP DATABASE IF EXISTS {name}",
        f"CREATE DATABASE {name} TEMPLATE {source}",
        f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {name} TO iom_app",
        f"ALTER DATABASE {name} SET synchronous_commit = off",
    )
    try:
        yield name
        with closing(as_owner(name)) as link, link.cursor() as cursor:
            settled.take(cursor, drifts=drifts)
    finally:
        _administer(f"DROP DATABASE IF EXISTS {name}")
