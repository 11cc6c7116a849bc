"""An audit event's user and time: the database sets them, whatever is passed to it."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from core import audit
from core.clock import now
from core.context import acting_as, enter
from core.models import AuditEvent
from tests import factories
from tests.factors import CONFIRM, enrolled, give_code, give_password, recovery_codes_of

A, B = "ngo_a_caseworker", "ngo_b_caseworker"


def _insert(**values) -> None:
    given = {"id": uuid4(), "at": now(), "verb": "tried", "object_type": "", "detail": "{}"} | values
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO core_auditevent ({', '.join(given)}) VALUES ({', '.join(['%s'] * len(given))})",
            list(given.values()),
        )


def _events(demo_users, verb: str) -> list[AuditEvent]:
    with acting_as(demo_users["auditor"]):
        return list(AuditEvent.objects.filter(verb=verb))


@pytest.mark.django_db
@pytest.mark.parametrize("entered", [A, None])
def test_nobody_writes_an_event_in_anothers_name(demo_users, entered):
    other, own = demo_users[B].pk, demo_users[entered].pk if entered else None
    with transaction.atomic():
        enter(own)
        _insert(actor_id=other)
        audit.record(by=demo_users[B], verb="tried", now=now())
        AuditEvent.objects.bulk_create([AuditEvent(verb="tried", actor_id=other)])
    assert [event.actor_id for event in _events(demo_users, "tried")] == [own] * 3


def test_without_the_trigger_the_policy_refuses_anothers_name(committed, owner, demo_users):
    """Each of the two is enough."""
    owner.execute("DROP TRIGGER sign_audit_event ON core_auditevent")
    for entered in (A, None):
        with (
            pytest.raises(DatabaseError, match="row-level security"),
            transaction.atomic(),
        ):
            enter(demo_users[entered].pk if entered else None)
            _insert(actor_id=demo_users[B].pk)


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["auditor", A])
def test_the_application_reads_no_values_that_an_event_stores(demo_users, who):
    """The auditor sees all events, and could decrypt the names in them; whoever verifies the log is the owner."""
    with acting_as(demo_users[A]):
        factories.a_case(demo_users[A])
    with acting_as(demo_users[who]), connection.cursor() as cursor:
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            cursor.execute("SELECT encrypted_changes FROM core_auditevent")
        cursor.execute("SELECT count(*) FROM core_auditevent WHERE verb = 'case opened'")
        assert (cursor.fetchone()[0] > 0) == (who == "auditor")


@pytest.mark.django_db
@pytest.mark.parametrize("days", [-400, -1, 1, 400])
def test_nobody_writes_an_event_of_another_day(demo_users, days):
    before = now()
    with acting_as(demo_users[A]):
        _insert(actor_id=demo_users[A].pk, at=now() + timedelta(days=days))
        audit.record(by=demo_users[A], verb="tried", now=now() + timedelta(days=days))
    events = _events(demo_users, "tried")
    assert len(events) == 2
    assert all(before - timedelta(seconds=1) < event.at < now() + timedelta(seconds=1) for event in events)


@pytest.mark.django_db
def test_an_event_without_a_user_gets_the_entered_one(demo_users):
    with acting_as(demo_users[A]):
        audit.record(by=None, verb="tried", now=now())
    enter(None)
    audit.record(by=None, verb="tried by nobody", now=now())
    assert [event.actor_id for event in _events(demo_users, "tried")] == [demo_users[A].pk]
    assert [event.actor_id for event in _events(demo_users, "tried by nobody")] == [None]


@pytest.mark.django_db
def test_events_of_signing_in_have_the_right_user(demo_users, client):
    user = demo_users[A]
    app = enrolled(user)
    give_password(client, A, "wrong")
    give_password(client, A)
    give_code(client, recovery_codes_of(user)[0])
    client.post(CONFIRM, {"code": "000000"})
    client.post("/accounts/logout/")
    assert app
    assert {
        verb: [event.actor_id for event in _events(demo_users, verb)]
        for verb in ("signed in", "recovery code used", "signed out")
    } == {"signed in": [user.pk], "recovery code used": [user.pk], "signed out": [user.pk]}
    # Before signing in, a failure has no user; afterwards it has the session's user.
    assert sorted(str(event.actor_id) for event in _events(demo_users, "sign-in failed")) == sorted(
        [str(user.pk), "None"]
    )


@pytest.mark.django_db
def test_a_refusal_has_the_refused_user(demo_users, sign_in):
    client = sign_in(A)
    client.get("/cases/ZZZZ-ZZZ-Z/")
    assert [event.actor_id for event in _events(demo_users, "denied")] == [demo_users[A].pk]


def test_only_the_owner_writes_events_of_the_past(committed, owner, demo_users):
    """Loading and restoring: users and times are kept."""
    then = now() - timedelta(days=400)
    owner.execute(
        "INSERT INTO core_auditevent (id, at, actor_id, verb, object_type, detail) "
        "VALUES (gen_random_uuid(), %s, %s, 'tried', '', '{}')",
        [then, str(demo_users[A].pk)],
    )
    owner.execute("SELECT at, actor_id FROM core_auditevent WHERE verb = 'tried' ORDER BY at LIMIT 1")
    at, actor = owner.fetchone()
    assert (at, str(actor)) == (then, str(demo_users[A].pk))


@pytest.mark.parametrize("user", ["not-a-key", 5, None, {"a": 1}])
def test_an_odd_detail_hides_no_page_of_the_log(committed, owner, demo_users, sign_in, user):
    """One that the owner loaded, or that was there before the constraint."""
    owner.execute("ALTER TABLE core_auditevent DROP CONSTRAINT IF EXISTS core_auditevent_detail")
    owner.execute(
        "INSERT INTO core_auditevent (id, at, verb, object_type, detail) "
        "VALUES (gen_random_uuid(), now(), 'signed in', '', %s)",
        [json.dumps({"user": user})],
    )
    page = sign_in("auditor").get("/audit/")
    assert page.status_code == 200
