"""The audit log's hash chains: every change by the tables' owner is found, and pages don't wait for each
other.
"""

import random
from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, connections, transaction

from beneficiaries.operations.consent import withdraw_consent
from core import audit, chain, data_keys
from core.clock import now
from core.context import acting_as
from core.models import AuditEvent
from tests import databases, factories, walks
from tests.pages import text_of

TRIES = 50  # of each change; 250 in `make soak`


@pytest.fixture
def verified(committed):
    """Return a function that runs `verify_audit` in this process: exit code and last line."""
    as_owner = connections["owner"]
    former, as_owner.settings_dict["NAME"] = as_owner.settings_dict["NAME"], committed

    def verify(*words: str) -> tuple[int, str]:
        said, code = StringIO(), 0
        try:
            call_command("verify_audit", *words, stdout=said)
        except SystemExit as error:
            code = error.code
        return code, said.getvalue().splitlines()[-1]

    yield verify
    as_owner.close()
    as_owner.settings_dict["NAME"] = former


@pytest.fixture
def busy(committed, demo_users):
    """Make a database with audit events; return its name."""
    by = demo_users["ngo_a_caseworker"]
    for _ in range(4):
        with acting_as(by):
            case = factories.a_case(by)
            for _read in range(5):
                audit.record(by=by, verb="case file read", obj=case, case_id=case.pk, now=now())
    return committed


def test_the_chain_of_the_demo_data_and_of_later_events_is_whole(busy, owner):
    owner.execute("SELECT count(*) FROM core_auditevent")
    (count,) = owner.fetchone()
    assert count > 100
    done = databases.manage(busy, "verify_audit")
    assert (done.returncode, done.stdout) == (0, f"events {count} broken 0\n")


def walk(owner) -> list[str]:
    """Return what `verify` finds, on this connection instead of in a process of its own."""
    return chain.verify_on(owner, {}).broken


def _some(owner, count: int = 1) -> list[str]:
    owner.execute("SELECT event_id::text FROM core_auditlink ORDER BY random() LIMIT %s", [count])
    return [key for (key,) in owner.fetchall()]


def _edit(owner, chance: random.Random) -> None:
    (key,) = _some(owner)
    column, value = chance.choice(
        [
            ("verb", "verb || '.'"),
            ("at", "at + interval '1 microsecond'"),
            ("actor_id", "gen_random_uuid()"),
            ("object_id", "gen_random_uuid()"),
            ("case_id", "gen_random_uuid()"),
            ("object_type", "object_type || ' '"),
            ("detail", "detail || '{\"x\": 1}'"),
            ("encrypted_changes", "coalesce(encrypted_changes, '') || '\\x00'"),
        ]
    )
    owner.execute(f"UPDATE core_auditevent SET {column} = {value} WHERE id = %s", [key])


def _delete(owner, chance: random.Random) -> None:
    (key,) = _some(owner)
    owner.execute("DELETE FROM core_auditevent WHERE id = %s", [key])
    if chance.random() < 0.5:
        owner.execute("DELETE FROM core_auditlink WHERE event_id = %s", [key])


def _swap(owner, chance: random.Random) -> None:
    """Swap two events, by their links or by their columns."""
    one, other = _some(owner, 2)
    if chance.random() < 0.5:
        owner.execute(
            "SELECT event_id, shard, seq, digest FROM core_auditlink WHERE event_id = ANY(%s::uuid[])",
            [[one, other]],
        )
        (a, *first), (b, *second) = owner.fetchall()
        owner.execute("DELETE FROM core_auditlink WHERE event_id = ANY(%s::uuid[])", [[a, b]])
        for key, place in ((a, second), (b, first)):
            owner.execute(
                "INSERT INTO core_auditlink (event_id, shard, seq, digest) VALUES (%s, %s, %s, %s)",
                [key, *place],
            )
    else:
        owner.execute(
            "UPDATE core_auditevent e SET at = o.at, verb = o.verb || '', actor_id = o.actor_id, case_id = o.case_id, "
            "object_id = o.object_id, object_type = o.object_type, detail = o.detail, "
            "encrypted_changes = o.encrypted_changes "
            "FROM core_auditevent o WHERE (e.id, o.id) IN ((%s, %s), (%s, %s)) AND e.id <> o.id",
            [one, other, other, one],
        )


def _cut(owner, chance: random.Random) -> None:
    """Delete the end of a shard, links and events."""
    owner.execute("SELECT shard, seq FROM core_auditshard WHERE seq > 0 ORDER BY random() LIMIT 1")
    shard, seq = owner.fetchone()
    first = chance.randint(max(1, seq - 5), seq)
    owner.execute(
        "DELETE FROM core_auditlink WHERE shard = %s AND seq >= %s RETURNING event_id", [shard, first]
    )
    gone = [key for (key,) in owner.fetchall()]
    owner.execute("DELETE FROM core_auditevent WHERE id = ANY(%s::uuid[])", [gone])


ACTIONS = {"edit": _edit, "delete": _delete, "swap": _swap, "cut": _cut}


@pytest.mark.parametrize("tries", walks.parameters([TRIES, 250], keep=[TRIES]))
@pytest.mark.parametrize("action", ACTIONS)
def test_changes_by_the_owner_of_the_tables_are_found(busy, owner, action, tries):
    """So many random tries each; the table is restored after each."""
    chance, missed = random.Random(action), 0
    owner.execute("BEGIN")
    assert walk(owner) == []
    for _ in range(tries):
        owner.execute("SAVEPOINT before")
        ACTIONS[action](owner, chance)
        missed += not walk(owner)
        owner.execute("ROLLBACK TO SAVEPOINT before")
    assert walk(owner) == []
    owner.execute("ROLLBACK")
    assert missed == 0


def test_a_stored_head_finds_a_chain_that_was_computed_again(busy, owner, tmp_path, verified):
    """Somebody with all rights to the database edits an event and computes the whole chain again: only a
    stored head shows it.
    """
    head = tmp_path / "head"
    head.write_text(chain.head_text(chain.head()))
    assert verified("--head", str(head))[0] == 0
    (key,) = _some(owner)
    owner.execute("UPDATE core_auditevent SET verb = 'nothing' WHERE id = %s", [key])
    assert verified()[0] == 1
    owner.execute("DELETE FROM core_auditlink")
    owner.execute(
        "UPDATE core_auditshard SET seq = 0, digest = sha256(convert_to('shard ' || shard, 'UTF8'))"
    )
    owner.execute("SELECT access.link_event(e) FROM (SELECT * FROM core_auditevent ORDER BY at, id) AS e")
    assert verified()[0] == 0
    code, text = verified("--head", str(head))
    assert code == 1
    assert "broken 0" not in text


def test_an_earlier_head_stays_valid_as_events_are_added(busy, demo_users, tmp_path, verified):
    head = tmp_path / "head"
    head.write_text(chain.head_text(chain.head()))
    by = demo_users["ngo_a_caseworker"]
    for _ in range(20):
        with acting_as(by):
            audit.record(by=by, verb="case file read", now=now())
    assert verified("--head", str(head))[0] == 0


def test_an_emptied_audit_log_is_not_whole(busy, owner, verified):
    owner.execute("TRUNCATE core_auditevent, core_auditlink")
    assert verified()[0] == 1
    owner.execute(
        "UPDATE core_auditshard SET seq = 0, digest = sha256(convert_to('shard ' || shard, 'UTF8'))"
    )
    assert verified() == (1, "events 0 broken 1")


def test_an_invalid_head_is_reported(busy, tmp_path):
    head = tmp_path / "head"
    head.write_text("not a head")
    done = databases.manage(busy, "verify_audit", "--head", str(head), check=False)
    assert done.returncode == 1
    assert "not a line of a head" in done.stderr


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE core_auditevent SET verb = 'x'",
        "DELETE FROM core_auditevent",
        "TRUNCATE core_auditevent",
        "SELECT * FROM core_auditlink",
        "SELECT * FROM core_datakey",
        "INSERT INTO core_auditlink (event_id, shard, seq, digest) VALUES (gen_random_uuid(), 0, 1, '')",
        "UPDATE core_auditlink SET digest = ''",
        "DELETE FROM core_auditlink",
        "UPDATE core_auditshard SET seq = 0",
        "SELECT access.link_event(e) FROM core_auditevent e",
        "ALTER TABLE core_auditevent DISABLE TRIGGER chain_event",
        "UPDATE core_datakey SET wrapped = NULL, destroyed_at = now()",
        "DELETE FROM core_datakey",
    ],
)
def test_the_application_adds_events_and_does_nothing_else(demo_users, statement):
    with (
        acting_as(demo_users["auditor"]),
        pytest.raises(DatabaseError, match=r"permission denied|must be owner"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def _write_at_once(username: str) -> None:
    from accounts.models import User

    by = User.objects.get(username=username)
    try:
        for _ in range(20):
            with acting_as(by):
                for _event in range(3):
                    audit.record(by=by, verb="case file read", now=now())
    finally:
        connection.close()


def test_twenty_writers_at_once_leave_a_whole_chain(committed, owner, verified):
    owner.execute("SELECT count(*) FROM core_auditevent")
    (before,) = owner.fetchone()
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(_write_at_once, ["ngo_a_caseworker", "ngo_b_caseworker"] * 10))
    assert verified() == (0, f"events {before + 20 * 20 * 3} broken 0")
    owner.execute("SELECT count(*) FROM core_auditshard WHERE seq > 0")
    assert owner.fetchone() == (8,)


def test_without_the_lock_writers_break_the_chain(committed, owner, verified):
    """The positive control: without the lock two writers take the same place."""
    owner.execute(
        "SELECT prosrc FROM pg_proc WHERE proname = 'link_event' AND pronamespace = 'access'::regnamespace"
    )
    (source,) = owner.fetchone()
    assert "FOR UPDATE" in source
    loose = source.replace(" FOR UPDATE", "").replace(
        "head.seq := head.seq + 1;", "PERFORM pg_sleep(0.002); head.seq := head.seq + 1;"
    )
    owner.execute(
        "CREATE OR REPLACE FUNCTION access.link_event(e core_auditevent) RETURNS void LANGUAGE plpgsql "
        f"SECURITY DEFINER SET search_path = pg_catalog, public AS $body${loose}$body$"
    )
    with ThreadPoolExecutor(20) as pool:
        outcomes = [pool.submit(_write_at_once, "ngo_a_caseworker") for _ in range(20)]
    assert any(outcome.exception() for outcome in outcomes) or verified()[0] == 1


def _changes(owner, verb: str) -> list[dict]:
    owner.execute(
        "SELECT id, encrypted_changes FROM core_auditevent WHERE verb = %s ORDER BY at DESC LIMIT 1", [verb]
    )
    key, encrypted = owner.fetchone()
    return audit.changes_in(AuditEvent(id=key, encrypted_changes=encrypted))


def test_a_write_is_recorded_with_old_and_new_values(committed, owner, demo_users):
    by = demo_users["ngo_a_caseworker"]
    with acting_as(by):
        case = factories.a_case(by)
    with acting_as(by):
        opened = {change["object"]: change for change in _changes(owner, "case opened")}
        assert set(opened) >= {"beneficiaries.Case", "beneficiaries.Beneficiary", "beneficiaries.CaseFile"}
        assert opened["beneficiaries.Beneficiary"]["before"] == {}
        assert opened["beneficiaries.Beneficiary"]["after"]["first_name"] == "Sunita"
        assert opened["beneficiaries.Beneficiary"]["id"] == str(case.beneficiary_id)
    with acting_as(by):
        consent = case.consents.get(purpose="services")
        withdraw_consent(consent=consent, by=by, now=now())
    with acting_as(by):
        (change,) = _changes(owner, "consent withdrawn")
    assert change["before"] == {"withdrawn_on": None}
    assert change["after"] == {"withdrawn_on": now().date().isoformat()}


def test_the_audit_log_stores_nothing_about_a_beneficiary_unencrypted(committed, owner, demo_users):
    by = demo_users["ngo_a_caseworker"]
    with acting_as(by):
        factories.a_case(
            by,
            details=factories.beneficiary_details(first_name="Zzcanary"),
            situation=factories.a_situation(narrative="Zzcanary"),
        )
    owner.execute("SELECT count(*) FROM core_auditevent e WHERE e::text LIKE '%Zzcanary%'")
    assert owner.fetchone() == (0,)
    with acting_as(by):
        assert "Zzcanary" in str(_changes(owner, "case opened"))


def test_changes_of_a_rolled_back_savepoint_are_not_recorded(committed, owner, demo_users):
    by = demo_users["ngo_a_caseworker"]
    with acting_as(by):
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            factories.a_case(by)
            audit.pending()
            raise ZeroDivisionError
        audit.record(by=by, verb="case file read", now=now())
    with acting_as(by):
        assert _changes(owner, "case file read") == []


def test_a_change_that_no_operation_records_is_recorded_at_the_end(committed, owner, demo_users):
    by = demo_users["ngo_a_caseworker"]
    with acting_as(by):
        case = factories.a_case(by)
    with acting_as(by):
        case.file.country_of_stay, case.file.version = "QA", 2
        case.file.save(update_fields=["country_of_stay", "version"])
    with acting_as(by):
        (change,) = _changes(owner, "changed")
    assert (change["object"], change["after"]) == (
        "beneficiaries.CaseFile",
        {"country_of_stay": "QA", "version": 2},
    )


def test_a_destroyed_data_key_leaves_the_chain_whole_and_the_changes_unreadable(
    committed, owner, demo_users, verified
):
    by = demo_users["ngo_a_caseworker"]
    with acting_as(by):
        case = factories.a_case(by)
    owner.execute(
        "UPDATE core_datakey SET wrapped = NULL, destroyed_at = now() WHERE subject_id = ANY(%s::uuid[])",
        [[str(case.pk), str(case.beneficiary_id)]],
    )
    with acting_as(by):
        assert _changes(owner, "case opened") == []
        with pytest.raises(data_keys.NotDecryptable):
            data_keys.encrypt_for(case.pk, b"more", bound_to="x")
    assert verified()[0] == 0


@pytest.mark.parametrize("path", ["/cases/{}/", "/cases/"])
def test_what_cannot_be_recorded_is_not_shown(committed, owner, demo_users, client, path):
    with acting_as(demo_users["ngo_a_caseworker"]):
        case = factories.a_case(demo_users["ngo_a_caseworker"])
    client.force_login(demo_users["ngo_a_caseworker"])
    client.raise_request_exception = False
    assert "Sunita" in text_of(client.get(path.format(case.reference)))
    owner.execute("REVOKE INSERT ON core_auditevent FROM iom_app")
    answer = client.get(path.format(case.reference))
    assert answer.status_code == 500
    assert b"Sunita" not in answer.content
