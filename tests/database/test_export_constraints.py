"""What the database checks on exports, where commits are real: each constraint, and what is stored
unencrypted.
"""

import pytest
from django.db import IntegrityError, connection

from beneficiaries.models import ExportFile
from core.context import acting_as
from tests import factories
from tests.beneficiaries.test_exports import (
    NAME,
    READER,
    A,
    B,
    asked,
    file_of,
    files_on_disk,
    short_day,
    written,
)


@pytest.fixture(autouse=True)
def _case(committed, demo_users):
    with acting_as(demo_users[A]):
        factories.a_case(demo_users[A], details=factories.beneficiary_details(first_name=NAME))


def as_functions(owner, change: str) -> None:
    """Change columns that only the reviewed functions write, with the triggers disabled."""
    owner.execute("ALTER TABLE beneficiaries_export DISABLE TRIGGER USER")
    owner.execute(f"UPDATE beneficiaries_export SET {change}")


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("decided_by_id = requested_by_id, decided_at = now(), needs_approval = true", "decider_is_another"),
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
def test_an_export_in_an_impossible_state_is_refused(owner, demo_users, change, name):
    written(demo_users, asked(demo_users, find=NAME))
    with pytest.raises(Exception, match=name):
        as_functions(owner, change)


def test_a_refusal_says_why_in_the_database_too(owner, demo_users):
    asked(demo_users, find=NAME)
    decided = "state = 'refused', needs_approval = true, decided_at = now(), decided_by_id = "
    with pytest.raises(Exception, match="refusal_has_reason"):
        as_functions(owner, f"{decided}'{demo_users[READER].pk}'")


def test_a_ready_export_has_a_file_and_an_expired_one_has_none(owner, demo_users):
    ready, queued = written(demo_users, asked(demo_users, find=NAME)), asked(demo_users, find=NAME)
    with connection.cursor() as cursor:
        cursor.execute("SELECT token FROM access.claim_export(now(), interval '1 minute')")
        (token,) = cursor.fetchone()
        settle = "SELECT access.settle_export(%s, %s, now(), 1, now() + interval '1 day', '')"
        with pytest.raises(IntegrityError, match="has a file"):
            cursor.execute(settle, [queued.pk, token])
    owner.execute("SET ROLE iom_functions")
    with pytest.raises(Exception, match="has a file"):
        owner.execute("UPDATE beneficiaries_export SET state = 'expired' WHERE id = %s", [str(ready.pk)])


def test_reason_filters_and_password_are_encrypted(owner, demo_users):
    data, password = file_of(demo_users, written(demo_users, asked(demo_users, find=NAME)))
    for table in ("beneficiaries_export", "beneficiaries_exportfile", "core_auditevent", "accounts_notice"):
        owner.execute(f"SELECT string_agg(t::text, ' ') FROM {table} t")
        (stored,) = owner.fetchone()
        for word in ("yearly meeting", password, NAME):
            assert word not in stored, table
            assert word.encode().hex() not in stored, table
    assert [path.read_bytes() for path in files_on_disk()] == [data]


def test_python_alone_hides_exports_and_files_from_others(
    demo_users, owner, disable_policies, sign_in, monkeypatch
):
    """With the policies switched off, pages show no more than before."""
    for username, code in ((READER, "NGO_A"), (B, "NGO_B"), (A, "NGO_A")):
        factories.a_supervisor(username, code)
    export = written(demo_users, asked(demo_users, find=NAME))
    short_day(monkeypatch, 0)
    waiting = asked(demo_users, find=NAME)
    disable_policies()
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


def test_a_file_is_nobodys_who_may_not_export_any_more(demo_users, owner):
    written(demo_users, asked(demo_users, find=NAME))
    with acting_as(demo_users[A]):
        assert ExportFile.objects.count() == 1
    owner.execute(
        "DELETE FROM accounts_organisationgrouppermission g USING auth_permission p "
        "WHERE p.id = g.permission_id AND p.codename = 'export_cases'"
    )
    with acting_as(demo_users[A]):
        assert ExportFile.objects.count() == ExportFile.objects.visible_to(demo_users[A]).count() == 0


def test_the_database_alone_shows_no_expired_file(demo_users, owner):
    written(demo_users, asked(demo_users, find=NAME))
    owner.execute("UPDATE beneficiaries_exportfile SET until = now()")
    with acting_as(demo_users[A]):
        assert ExportFile.objects.count() == 0
