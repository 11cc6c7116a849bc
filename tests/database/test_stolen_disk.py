"""What is on the disk: a dump, PostgreSQL's write-ahead log, the table's files, the broker's file.

A token in each encrypted field, and one in a name as the control: that one must be found, or the search would
find nothing.
"""

import os
import re
from pathlib import Path

import pytest
from django.db import connection
from redis import Redis

from beneficiaries.models import Case, Document
from beneficiaries.queries.document import content_of
from core.context import acting_as
from core.encrypted_fields import encrypted_fields
from core.policies import own_models
from tests import databases, factories, uploaded_files
from tests.beneficiaries.test_erasure import dumped
from tests.factories.scene import Scene

A = "ngo_a_caseworker"
# Not encrypted: names in ordinary cases are searched; a service, an item, a place, a purpose and a voucher name
# nobody.
IN_CLEAR = {
    *(
        "firstname",
        "middlename",
        "secondname",
        "namene",
        "birthastyped",
        "homeplace",
        "service",
        "name",
        "purpose",
        "voucher",
    ),
}


@pytest.fixture
def canaries(committed, demo_users):
    """Return a case with a unique token in each typed field; the token of its unencrypted name, and those of
    the encrypted fields.
    """
    word = f"Zq{os.urandom(6).hex()}"
    case = Scene(word=word).whole().case
    with acting_as(demo_users[A]):
        encrypted = {
            found
            for model in own_models()
            if encrypted_fields(model)
            for row in model._base_manager.all()
            for field in encrypted_fields(model)
            for found in re.findall(rf"{word}\w*", str(getattr(row, field.name)))
        }
    assert len(encrypted) >= 15
    assert case.beneficiary.first_name.startswith(word)
    return word, encrypted


def _files_with(word: str, *folders: Path) -> dict[str, set[str]]:
    """Return by folder what follows the word in its files."""
    found: dict[str, set[str]] = {}
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                hits = re.findall(rf"{word}([A-Za-z]*)".encode(), path.read_bytes())
                found.setdefault(folder.name, set()).update(hit.decode().lower() for hit in hits)
    return found


def _encrypted_ones(tails: set[str]) -> set[str]:
    """Return those of encrypted fields; what follows a word in a file may run into the next column, or end
    with its page.
    """
    return {
        tail
        for tail in tails
        if not tail.startswith(tuple(IN_CLEAR)) and not any(name.startswith(tail) for name in IN_CLEAR)
    }


def _data_folder() -> Path:
    """Return PostgreSQL's data folder: the working folder of the process that serves this connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return Path(os.readlink(f"/proc/{cursor.fetchone()[0]}/cwd"))


def test_a_stolen_disk_shows_no_encrypted_text(committed, owner, canaries):
    word, encrypted = canaries
    owner.execute("SET synchronous_commit = on")
    owner.execute("CREATE TABLE written_through (x int)")  # what was written before is in the log now
    owner.execute("SELECT oid FROM pg_database WHERE datname = current_database()")
    data = _data_folder()
    folders = [data / "base" / str(owner.fetchone()[0]), data / "pg_wal"]
    found = _files_with(word, *folders)
    assert "firstname" in found["pg_wal"], "the control: a name in clear is in the log"
    for folder, tails in found.items():
        assert not _encrypted_ones(tails), folder
    text = dumped(committed)
    tails = {hit.decode().lower() for hit in re.findall(rf"{word}([A-Za-z]*)".encode(), text)}
    assert "firstname" in tails, "the control"
    assert not _encrypted_ones(tails)
    tokens = {token.removeprefix(word).lower() for token in encrypted}
    assert _encrypted_ones(tokens) == tokens, "the control: each of them would be seen"


def test_the_brokers_file_shows_no_text_and_no_reference(committed, canaries):
    """Tasks carry no row: after a sweep was sent through the broker, neither text nor reference is in its
    files.
    """
    from iom_cases.celery import app

    word, _encrypted = canaries
    app.send_task("reintegration.tasks.send_due_reminders", queue="stolen_disk")
    with Redis.from_url(os.environ["REDIS_URL"]) as store:
        assert store.llen("stolen_disk") == 1
        folder = Path(store.config_get("dir")["dir"])
        store.execute_command("WAITAOF", 1, 0, 2000)
        store.delete("stolen_disk")
    found = _files_with(word, folder / "appendonlydir")
    assert found
    assert not set().union(*found.values())
    assert any(b"send_due_reminders" in path.read_bytes() for path in (folder / "appendonlydir").rglob("*"))


def test_the_folder_of_files_shows_nothing(committed, canaries, demo_users, settings):
    """Neither what the documents contain nor that they are documents."""
    with acting_as(demo_users[A]):
        case = Case.objects.visible_to(demo_users[A]).filter(documents__state="unchecked").distinct().get()
        factories.a_document(case, demo_users[A], data=uploaded_files.photo())
        opened = [
            content_of(row)
            for row in Document.objects.visible_to(demo_users[A]).filter(case=case)
            if row.is_open
        ]
    marks = (b"%PDF", b"JFIF", b"endobj", b"Letter of the ward", canaries[0].encode())
    assert {mark for mark in marks if any(mark in data for data in opened)} >= {b"%PDF", b"JFIF"}, (
        "the control"
    )
    lying = [path.read_bytes() for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]
    assert len(lying) == len(opened) == 4
    assert not [mark for mark in marks if any(mark in data for data in lying)]


def test_a_backup_and_its_files_show_nothing(committed, canaries, tmp_path):
    copy = tmp_path / "copy"
    databases.manage(committed, "backup", str(copy))
    assert canaries[0].encode() not in copy.read_bytes()
    readable = re.findall(rb"[\x20-\x7e]{8,}", copy.read_bytes())
    assert not [text for text in readable if b"beneficiar" in text]
