"""What the database holds of lists that go out, where commits are real: constraints, each tried, and what stands in
clear."""

import pytest
from django.db import IntegrityError, connection

from beneficiaries.models import ExportFile
from core.context import acting_as
from tests import story
from tests.test_exports import NAME, READER, A, B, asked, file_of, kept, short_day, written


@pytest.fixture(autouse=True)
def _case(committed, cast):
    with acting_as(cast[A]):
        story.a_case(cast[A], person=story.a_person(first_name=NAME))


def as_functions(owner, change: str) -> None:
    """What only the reviewed functions write, tried with all that the triggers hold aside."""
    owner.execute("ALTER TABLE beneficiaries_export DISABLE TRIGGER USER")
    owner.execute(f"UPDATE beneficiaries_export SET {change}")


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("decided_by_id = maker_id, decided_at = now(), needs_approval = true", "decider_is_another"),
        ("decided_at = now()", "decided_by_somebody"),
        ("state = 'refused'", "decided_by_somebody|long_one_is_decided"),
        ("state = 'failed'", "failed_says_why"),
        ("written_rows = 0", "written_says_how_much"),
        ("written_rows = 2", "written_says_how_much"),
        ("expires_at = ready_at", "written_says_how_much"),
        ("token = gen_random_uuid()", "held_while_queued"),
        ("written_rows = -1", "check"),
    ],
)
def test_what_becomes_of_no_export(owner, cast, change, name):
    written(cast, asked(cast, find=NAME))
    with pytest.raises(Exception, match=name):
        as_functions(owner, change)


def test_a_refusal_says_why_in_the_database_too(owner, cast):
    asked(cast, find=NAME)
    decided = "state = 'refused', needs_approval = true, decided_at = now(), decided_by_id = "
    with pytest.raises(Exception, match="refusal_has_reason"):
        as_functions(owner, f"{decided}'{cast[READER].pk}'")


def test_ready_means_a_file_and_over_means_none(owner, cast):
    ready, queued = written(cast, asked(cast, find=NAME)), asked(cast, find=NAME)
    with connection.cursor() as cursor:
        cursor.execute("SELECT token FROM wall.claim_export(now(), interval '1 minute')")
        (token,) = cursor.fetchone()
        settle = "SELECT wall.settle_export(%s, %s, now(), 1, now() + interval '1 day', '')"
        with pytest.raises(IntegrityError, match="has a file"):
            cursor.execute(settle, [queued.pk, token])
    owner.execute("SET ROLE iom_functions")
    with pytest.raises(Exception, match="has a file"):
        owner.execute("UPDATE beneficiaries_export SET state = 'expired' WHERE id = %s", [str(ready.pk)])


def test_reason_filters_and_password_are_sealed(owner, cast):
    data, password = file_of(cast, written(cast, asked(cast, find=NAME)))
    for table in ("beneficiaries_export", "beneficiaries_exportfile", "core_auditevent", "accounts_notice"):
        owner.execute(f"SELECT string_agg(t::text, ' ') FROM {table} t")
        (told,) = owner.fetchone()
        for word in ("yearly meeting", password, NAME):
            assert word not in told, table
            assert word.encode().hex() not in told, table
    assert [path.read_bytes() for path in kept()] == [data]


def test_python_alone_keeps_lists_and_files_from_others(cast, owner, take_down, sign_in, monkeypatch):
    """The policies taken down: pages are as narrow as behind both walls."""
    for username, code in ((READER, "NGO_A"), (B, "NGO_B"), (A, "NGO_A")):
        story.a_supervisor(username, code)
    export = written(cast, asked(cast, find=NAME))
    short_day(monkeypatch, 0)
    waiting = asked(cast, find=NAME)
    take_down()
    address, file = f"/exports/{waiting.reference}/", f"/exports/{export.reference}/file/"
    answers = {
        username: [
            sign_in(username).get(address).status_code,
            sign_in(username).get(file).status_code,
            sign_in(username).post(address).status_code,
        ]
        for username in (A, READER, B)
    }
    assert answers == {A: [200, 200, 403], READER: [200, 404, 200], B: [404, 404, 404]}
    assert export.reference not in sign_in(B).get("/exports/").content.decode()
    owner.execute("UPDATE beneficiaries_exportfile SET until = now()")
    assert sign_in(A).get(file).status_code == 404


def test_the_database_alone_shows_no_file_that_is_over(cast, owner):
    written(cast, asked(cast, find=NAME))
    owner.execute("UPDATE beneficiaries_exportfile SET until = now()")
    with acting_as(cast[A]):
        assert ExportFile.objects.count() == 0
