"""The databases that are measured: made once as the owner, and used again while their stamp fits."""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2

ROOT = Path(__file__).resolve().parent.parent
SEED = 1
MADE_FROM = (
    "reintegration/bulk/*.py",
    "projects/programmes/*.yaml",
)  # migrations change existing rows


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def url(variable: str, name: str) -> str:
    """Return the address of a database for the role that the variable names."""
    return urlunsplit(urlsplit(os.environ[variable])._replace(path=f"/{name}"))


def environment(name: str) -> dict[str, str]:
    """Return the environment of a process that works on this database."""
    addresses = {key: url(key, name) for key in ("DATABASE_URL", "MIGRATION_DATABASE_URL")}
    return {**os.environ, **addresses, "DEBUG": "0", "PYTHONPATH": str(ROOT)}


@contextmanager
def owner(name: str) -> Iterator:
    """Yield a cursor as the owner, each statement committed by itself."""
    with closing(psycopg2.connect(url("MIGRATION_DATABASE_URL", name))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor


def run(name: str, *words: str) -> str:
    """Run Python on this database; return its output. Its errors go to the terminal."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=environment(name),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def _stamp(people: int) -> str:
    digest = hashlib.sha256(f"{people} {SEED}".encode())
    for pattern in MADE_FROM:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def ensure(people: int) -> str:
    """Make the database with so many beneficiaries; return its name.

    The access policies are built anew each time, the rows only when the stamp differs.
    """
    name, stamp = f"bench_iom_{people}", _stamp(people)
    with owner("postgres") as cursor:
        cursor.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name]
        )
        found = cursor.fetchone()
        if found != (stamp,):
            say(f"Loading {people:,} people into {name} …")
            for statement in (
                f"DROP DATABASE IF EXISTS {name}",
                f"CREATE DATABASE {name}",
                f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
                f"GRANT CONNECT ON DATABASE {name} TO iom_app",
            ):
                cursor.execute(statement)
    run(name, "manage.py", "migrate", "-v0")
    with owner(
        name
    ) as cursor:  # a migration may have rewritten rows, which an index alone can't answer for then
        cursor.execute("VACUUM ANALYZE")
    if found != (stamp,):
        started = time.monotonic()
        run(name, "manage.py", "load_programmes")
        run(name, "manage.py", "seed_demo", "--people", str(people), "--seed", str(SEED))
        say(f"  {time.monotonic() - started:.0f} s")
        with owner("postgres") as cursor:
            cursor.execute(f"COMMENT ON DATABASE {name} IS '{stamp}'")
    return name
