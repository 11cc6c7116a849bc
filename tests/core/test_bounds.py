"""Limits on what anybody can cause to be written repeatedly: refusals, exports, mails, tokens."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.test import Client

from accounts.operations.password import mail_resets
from accounts.operations.token import create_api_token
from beneficiaries import rules
from beneficiaries.operations import export as exporting
from core import denials
from core.clock import now
from core.context import acting_as
from core.denials import EACH
from core.models import AuditEvent, DenialCount
from tests import factories

A, NAME = "ngo_a_caseworker", "Kanaribound"


def denied_events(demo_users, username: str = A) -> list[AuditEvent]:
    with acting_as(demo_users["auditor"]):
        return list(AuditEvent.objects.filter(verb="denied", actor_id=demo_users[username].pk).order_by("at"))


@pytest.fixture
def still(time_machine):
    """Stop the clock in the middle of a minute."""
    time_machine.move_to(now().replace(second=30), tick=False)
    return time_machine


@pytest.mark.django_db
def test_of_many_refusals_in_a_minute_few_are_recorded_and_all_are_counted(demo_users, sign_in, still):
    client = sign_in(A)
    for _number in range(200):
        assert client.get("/cases/ZZZZ-ZZZ-Z/").status_code == 404
    found = denied_events(demo_users)
    assert len(found) == EACH + 3  # the 32nd, 64th and 128th besides the first thirty
    assert [event.detail.get("count") for event in found[EACH:]] == [32, 64, 128]
    with acting_as(demo_users[A]):
        assert DenialCount.objects.get(user_id=demo_users[A].pk).count == 200
    still.move_to(now() + timedelta(minutes=1))
    client.get("/cases/ZZZZ-ZZZ-Z/")
    whole, last = denied_events(demo_users)[-2:]
    assert whole.detail == {"count": 200}
    assert last.detail["status"] == 404


@pytest.mark.django_db
def test_a_few_refusals_are_each_recorded_and_counted_by_user(demo_users, sign_in, still):
    for username in (A, "ngo_b_caseworker"):
        client = sign_in(username)
        for _number in range(EACH):
            client.get("/audit/")
        assert len(denied_events(demo_users, username)) == EACH


@pytest.mark.django_db
def test_refusals_of_the_signed_out_are_not_recorded(demo_users):
    client = Client()
    with connection.cursor() as cursor:
        cursor.execute("SELECT access.enter(%s)", [demo_users["auditor"].pk])
    before = AuditEvent.objects.count()
    for address in ("/cases/ZZZZ-ZZZ-Z/", "/nothing/", "/api/v1/cases/", "/accounts/password/reset/x/"):
        client.get(address)
    with acting_as(demo_users["auditor"]):
        assert AuditEvent.objects.count() == before


def denied_at_once(user, minutes: list[datetime]) -> None:
    """Record one denial for each moment, twenty at once."""
    start = Barrier(20)

    def send(moments: list[datetime]) -> None:
        try:
            start.wait(timeout=60)
            for moment in moments:
                with acting_as(user):
                    denials.record_denial(user_id=user.pk, detail={"status": 404}, now=moment)
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(send, [minutes[index * 5 : index * 5 + 5] for index in range(20)]))


def test_refusals_at_once_are_all_counted(committed, demo_users):
    user = demo_users[A]
    denied_at_once(user, [now()] * 100)
    with acting_as(user):
        assert DenialCount.objects.get(user_id=user.pk).count == 100
    assert len(denied_events(demo_users)) == EACH + 2  # the 32nd and the 64th besides the first thirty


def test_refusals_at_once_are_all_counted_as_a_minute_ends(committed, demo_users, monkeypatch):
    """Every second one is of the next minute; each counts in one of the two."""
    monkeypatch.setattr(denials, "EACH", 0)
    user, moment = demo_users[A], now()
    denied_at_once(user, [moment, moment + timedelta(minutes=1)] * 50)
    with acting_as(user):
        last = DenialCount.objects.get(user_id=user.pk).count
    before = [event.detail["count"] for event in denied_events(demo_users) if set(event.detail) == {"count"}]
    assert len(before) <= 1
    assert last + sum(before) == 100


def test_one_users_exports_a_day_are_limited(committed, owner, demo_users, monkeypatch):
    user = demo_users[A]
    with acting_as(user):
        factories.a_case(user, details=factories.beneficiary_details(first_name=NAME))
        for _number in range(rules.EXPORTS_A_DAY):
            factories.asked_export(user, find=NAME)
        with pytest.raises(ValidationError, match="You requested 30 exports today"):
            factories.asked_export(user, find=NAME)
        # The database's own limit
        monkeypatch.setattr(exporting.rules, "EXPORTS_A_DAY", 1000)
        with pytest.raises(IntegrityError, match="more lists than one person"), transaction.atomic():
            factories.asked_export(user, find=NAME)
    owner.execute("ALTER TABLE beneficiaries_export DISABLE TRIGGER USER")
    owner.execute("UPDATE beneficiaries_export SET asked_at = asked_at - interval '1 day'")
    owner.execute("ALTER TABLE beneficiaries_export ENABLE TRIGGER USER")
    with acting_as(user):
        assert factories.asked_export(user, find=NAME).state == "queued", "a day later"


def tokens_made_at_once(user) -> int:
    begin = Barrier(20)

    def make(number: int) -> bool:
        try:
            begin.wait(timeout=60)
            create_api_token(user=user, name=str(number), by=user, now=now())
        except ValidationError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(20) as pool:
        return sum(pool.map(make, range(20)))


def test_many_tokens_at_once_stay_within_the_limit(committed, demo_users):
    assert tokens_made_at_once(demo_users[A]) == 5


def test_without_the_lock_more_tokens_are_made(committed, demo_users, monkeypatch):
    """The positive control."""
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **options: rows)
    assert tokens_made_at_once(demo_users[A]) > 5


@pytest.mark.django_db
def test_password_mails_to_one_address_are_limited(demo_users, still, settings):
    """Five, and then one after each wait: a mailbox can't be filled."""
    email = demo_users[A].email
    for number in range(12):
        page = Client(REMOTE_ADDR=f"198.51.100.{number}").post(
            "/accounts/password/forgotten/", {"email": email}
        )
        mail_resets(now=now())
        assert page.status_code == 200
    with acting_as(demo_users["auditor"]):
        assert AuditEvent.objects.filter(verb="password reset asked").count() == 5
