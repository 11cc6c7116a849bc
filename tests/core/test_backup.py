"""Backup and restore: an encrypted copy, an empty database, and the same rows, audit log and files in it."""

import base64
import os
import re
from contextlib import closing
from pathlib import Path

import pytest

from core.context import acting_as
from tests import databases, factories

A, WORD = "ngo_a_caseworker", "Zzcanary"


@pytest.fixture
def original(committed, demo_users):
    """Make a database with a beneficiary's data in it; return its name."""
    with acting_as(demo_users[A]):
        case = factories.a_case(
            demo_users[A],
            details=factories.beneficiary_details(first_name=WORD, phone="+977 980-4417009"),
            situation=factories.a_situation(narrative=WORD),
        )
        factories.a_document(case, demo_users[A])
    return committed


@pytest.fixture
def empty():
    name = f"test_iom_restored_{os.getpid()}"
    databases._administer(
        f"DROP DATABASE IF EXISTS {name}",
        f"CREATE DATABASE {name} TEMPLATE template0",
        f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {name} TO iom_app",
    )
    yield name
    databases._administer(f"DROP DATABASE IF EXISTS {name}")


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_backup_is_restored_row_for_row(original, empty, tmp_path, settings, monkeypatch):
    copy, elsewhere = tmp_path / "copy", tmp_path / "elsewhere"
    made = databases.manage(original, "backup", str(copy)).stdout
    assert re.match(r"tables \d\d rows \d{4,} files 1\n0 \d+ [0-9a-f]{64}\n", made)
    assert copy.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("FILES_PATH", str(elsewhere))
    assert databases.manage(empty, "restore", str(copy)).stdout == made
    assert _files(elsewhere) == _files(Path(settings.MEDIA_ROOT))
    assert len(_files(elsewhere)) == 1
    assert databases.manage(empty, "verify_audit").stdout == databases.manage(original, "verify_audit").stdout
    assert "drifted 0" in databases.manage(empty, "check_access").stdout
    script = (
        "from accounts.models import User; from core.context import acting_as\n"
        "from beneficiaries.queries.case_list import case_list\n"
        "from beneficiaries.queries.document import content_of\n"
        "from beneficiaries.models import CaseFile, Document\n"
        f"u = User.objects.get(username='{A}')\n"
        "with acting_as(u):\n"
        "    row = case_list(u, find='980-4417009')[0]\n"
        "    print(CaseFile.objects.get(case=row.case_id).narrative)\n"
        "    print(content_of(Document.objects.get(case=row.case_id))[:5].decode())"
    )
    assert databases.manage(empty, "shell", "-v0", "-c", script).stdout.split() == [WORD, "%PDF-"]
    # The access policies are restored too: the application still owns nothing, and without a user it sees
    # nothing.
    alone = "from beneficiaries.models import Case; print(Case.objects.count())"
    assert databases.manage(empty, "shell", "-v0", "-c", alone).stdout.strip() == "0"


def test_a_backup_is_unreadable_without_its_key(original, empty, tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    databases.manage(original, "backup", str(copy))
    assert WORD.encode() not in copy.read_bytes()
    assert b"beneficiaries_case" not in copy.read_bytes()
    monkeypatch.setenv("FIELD_KEYS", base64.b64encode(os.urandom(32)).decode())
    done = databases.manage(empty, "restore", str(copy), check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "None of FIELD_KEYS opens this copy." in done.stderr


def test_a_damaged_backup_changes_nothing(original, empty, tmp_path):
    copy = tmp_path / "copy"
    databases.manage(original, "backup", str(copy))
    whole = copy.read_bytes()
    middle = len(whole) // 2
    pieces, at = [], 11
    while at < len(whole):
        size = 4 + int.from_bytes(whole[at : at + 4], "big")
        pieces.append(whole[at : at + size])
        at += size
    assert len(pieces) > 3
    damaged = {
        "cut off": whole[: -len(pieces[-1])],
        "a changed byte": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
        "pieces swapped": whole[:11] + b"".join([pieces[0], pieces[2], pieces[1], *pieces[3:]]),
        "no copy at all": b"PGDMP" + whole,
    }
    for harm, content in damaged.items():
        copy.write_bytes(content)
        done = databases.manage(empty, "restore", str(copy), check=False)
        assert done.returncode == 1, harm
        assert re.search("damaged or cut off|no copy that", done.stderr), harm
        with closing(databases.as_owner(empty)) as link, link.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
            assert cursor.fetchone() == (0,), harm


def test_a_database_with_rows_is_not_restored_into(original, tmp_path):
    copy = tmp_path / "copy"
    databases.manage(original, "backup", str(copy))
    done = databases.manage(original, "restore", str(copy), check=False)
    assert done.returncode == 1
    assert "not empty" in done.stderr
