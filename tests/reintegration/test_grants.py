"""Grants: three users, one order of actions, one payment; in Python, in the database, and in a race."""

import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts.models import User
from core.clock import now
from core.context import acting_as
from projects.models import BudgetLine, LedgerEntry
from projects.operations import NotEnoughLeft, save_configuration
from reintegration import rules
from reintegration.models import FollowUp, Grant, Instalment, Reminder
from reintegration.operations import grant as grant_operations
from reintegration.operations.grant import (
    GrantActionRefused,
    approve_grant,
    endorse_grant,
    pay_instalment,
    refuse_grant,
    request_grant,
)
from tests import databases, factories

A = "ngo_a_caseworker"
TRIES = 20


@pytest.fixture
def grant(demo_users) -> Grant:
    with acting_as(demo_users[A]):
        return factories.requested(
            factories.planned(factories.a_case(demo_users[A]), demo_users[A]), demo_users[A]
        )


@pytest.mark.django_db
def test_a_grant_from_request_to_payment(grant, demo_users):
    factories.approved(grant, demo_users)
    factories.paid(grant, demo_users, 40000)
    factories.paid(grant, demo_users, 20000)
    with acting_as(demo_users["iom_finance"]):
        grant.refresh_from_db()
        assert grant.state == "paid"
        sources = Instalment.objects.filter(grant=grant).values_list("pk", flat=True)
        entries = LedgerEntry.objects.visible_to(demo_users["iom_finance"]).filter(
            source_id__in=list(sources)
        )
        assert sorted(entry.amount_npr for entry in entries) == [Decimal(20000), Decimal(40000)]


@pytest.mark.django_db
def test_the_first_payment_schedules_the_visits_once(grant, demo_users):
    factories.approved(grant, demo_users)
    factories.paid(grant, demo_users, 40000)
    factories.paid(grant, demo_users, 20000)
    with acting_as(demo_users[A]):
        follow_ups = FollowUp.objects.visible_to(demo_users[A]).filter(case_id=grant.case_id)
        days = sorted((row.due_on - now().date()).days for row in follow_ups)
        assert days == [7, 30, 90, 180, 365]
        assert Reminder.objects.visible_to(demo_users[A]).filter(case_id=grant.case_id).count() == 5


@pytest.mark.django_db
@pytest.mark.parametrize("username", [A, "ngo_a_reader", "ngo_b_caseworker", "iom_finance", "auditor"])
def test_users_without_the_permission_do_not_endorse(grant, demo_users, username):
    with acting_as(demo_users[username]), pytest.raises(PermissionDenied):
        endorse_grant(grant=grant, by=demo_users[username], now=now())


@pytest.mark.django_db
def test_a_grant_is_not_approved_before_it_is_endorsed(grant, demo_users):
    with acting_as(demo_users["iom_approver"]), pytest.raises(GrantActionRefused, match="requested"):
        approve_grant(grant=grant, by=demo_users["iom_approver"], now=now())


@pytest.mark.django_db
def test_a_refused_grant_stays_refused_and_can_be_requested_again(grant, demo_users):
    supervisor = demo_users["iom_supervisor"]
    with acting_as(supervisor):
        with pytest.raises(ValidationError, match="Say why"):
            refuse_grant(grant=grant, reason=" ", by=supervisor, now=now())
        refuse_grant(grant=grant, reason="No place for the shop.", by=supervisor, now=now())
        with pytest.raises(GrantActionRefused):
            endorse_grant(grant=grant, by=supervisor, now=now())
    with acting_as(demo_users[A]):
        assert factories.requested(grant.plan, demo_users[A]).state == "requested"


@pytest.mark.django_db
def test_a_budget_line_cannot_be_overspent(grant, demo_users):
    line = BudgetLine.objects.create(
        project=grant.project, code="small", name_en="Small", amount_npr=1000, pays_grants=True
    )
    with acting_as(demo_users[A]):
        plan = factories.planned(factories.a_case(demo_users[A]), demo_users[A])
        grant = request_grant(
            plan=plan,
            purpose="A stove.",
            amount_npr=Decimal(30000),
            budget_line=line,
            by=demo_users[A],
            now=now(),
        )
    factories.approved(grant, demo_users)
    with pytest.raises(NotEnoughLeft):
        factories.paid(grant, demo_users, 30000)
    with acting_as(demo_users["iom_finance"]):
        assert Instalment.objects.filter(grant=grant).count() == 0
    factories.paid(grant, demo_users, 900)
    line.amount_npr = 899
    with pytest.raises(IntegrityError, match="more was spent"), transaction.atomic():
        save_configuration(obj=line, by=None, now=now())


STATEMENTS = [
    ("UPDATE reintegration_grant SET amount_npr = 1", "grant_stays"),
    ("UPDATE reintegration_grant SET requested_by_id = endorsed_by_id", "grant_stays"),
    ("UPDATE reintegration_grant SET state = 'requested'", "grant_path"),
    ("UPDATE reintegration_grant SET approved_by_id = requested_by_id", "grant_stays"),
    ("UPDATE reintegration_instalment SET amount_npr = 1", "instalment_stays"),
    (
        "UPDATE reintegration_instalment SET state = 'planned', paid_by_id = NULL, paid_on = NULL",
        "instalment_stays",
    ),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("statement", "name"), STATEMENTS)
def test_decided_and_paid_grants_cannot_be_changed(grant, demo_users, statement, name):
    factories.approved(grant, demo_users)
    factories.paid(grant, demo_users, 30000)
    key = "grant_id" if "instalment" in statement else "id"
    with acting_as(demo_users["iom_finance"]), connection.cursor() as cursor:
        with pytest.raises(IntegrityError, match=r"stays|keeps|does not go"), transaction.atomic():
            cursor.execute(f"{statement} WHERE {key} = %s", [grant.pk])


@pytest.mark.django_db
def test_the_database_refuses_a_requester_who_approves(grant, demo_users):
    with acting_as(demo_users["iom_supervisor"]):
        endorse_grant(grant=grant, by=demo_users["iom_supervisor"], now=now())
        with pytest.raises(IntegrityError, match="approver_is_another"), transaction.atomic():
            Grant.objects.filter(pk=grant.pk).update(approved_by=grant.requested_by, state="approved")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"paid_by": "iom_approver"}, "does not pay it"),
        ({"paid_by": A}, "does not pay it"),
        ({"amount_npr": 60001}, "more than the grant"),
        ({"amount_npr": 0}, "instalment_positive"),
        ({"voucher": ""}, "paid_says_by_whom"),
    ],
)
def test_the_database_refuses_a_wrong_payment(grant, demo_users, changes, name):
    factories.approved(grant, demo_users)
    payer = demo_users[changes.get("paid_by", "iom_finance")]
    row = Instalment(
        case_id=grant.case_id,
        grant=grant,
        number=1,
        amount_npr=changes.get("amount_npr", 100),
        state="paid",
        planned_by=payer,
        planned_at=now(),
        paid_by=payer,
        paid_on=now().date(),
        paid_at=now(),
        voucher=changes.get("voucher", "V-1"),
    )
    with (
        acting_as(demo_users["iom_finance"]),
        pytest.raises(IntegrityError, match=name),
        transaction.atomic(),
    ):
        row.save(force_insert=True)


@pytest.mark.django_db
def test_nobody_changes_or_removes_a_ledger_entry(grant, demo_users):
    factories.approved(grant, demo_users)
    factories.paid(grant, demo_users)
    with acting_as(demo_users["iom_finance"]), connection.cursor() as cursor:
        for statement in (
            "UPDATE projects_ledgerentry SET amount_npr = 1",
            "DELETE FROM projects_ledgerentry",
        ):
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                cursor.execute(statement)


def test_a_grants_actions_follow_the_table():
    people = {"requested": 1, "endorsed": 2, "approved": 3}
    everything = frozenset(move.permission for move in rules.ACTIONS.values() if move.permission)

    def actions(state, person):
        return rules.actions_for(state=state, permissions=everything, user_id=person, involved=people)

    assert actions("requested", 9) == ["endorse", "refuse_request"]
    assert actions("requested", 1) == ["refuse_request", "withdraw"]
    assert actions("endorsed", 1) == ["refuse_endorsed", "withdraw"]
    assert actions("approved", 1) == []
    assert actions("endorsed", 2) == ["refuse_endorsed"]
    assert actions("approved", 9) == ["pay"]
    assert actions("approved", 3) == []
    assert actions("paid", 9) == []
    assert rules.actions_for(state="requested", permissions=frozenset(), user_id=9, involved=people) == []


def _pay_in_parallel(grant: Grant, amount: int, name: str) -> list[str]:
    """Send the same payment from many connections at once; return the outcome of each."""

    def once(number: int) -> str:
        try:
            finance = User.objects.get(username="iom_finance")
            with acting_as(finance):
                pay_instalment(
                    grant=grant,
                    amount_npr=Decimal(amount),
                    voucher=f"V-{number}",
                    paid_on=now().date(),
                    by=finance,
                    now=now(),
                )
            return "paid"
        except (ValidationError, IntegrityError) as error:
            return type(error).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(TRIES) as pool:
        return list(pool.map(once, range(TRIES)))


@pytest.fixture
def approved_grant(demo_users, committed):
    with acting_as(demo_users[A]):
        grant = factories.requested(
            factories.planned(factories.a_case(demo_users[A]), demo_users[A]), demo_users[A]
        )
    return factories.approved(grant, demo_users)


def test_twenty_payments_at_once_pay_once(approved_grant, committed, owner):
    results = _pay_in_parallel(approved_grant, 60000, committed)
    assert results.count("paid") == 1
    owner.execute(
        "SELECT count(*), sum(amount_npr) FROM reintegration_instalment WHERE grant_id = %s",
        [str(approved_grant.pk)],
    )
    assert owner.fetchone() == (1, Decimal(60000))


def test_without_the_locks_the_race_is_real(approved_grant, committed, owner, monkeypatch):
    """The positive control: without trigger and lock the grant is paid more than once."""
    owner.execute("DROP TRIGGER instalment_money ON reintegration_instalment")
    owner.execute("ALTER TABLE reintegration_instalment DROP CONSTRAINT reintegration_instalment_number_once")
    owner.execute("ALTER TABLE reintegration_followup DROP CONSTRAINT reintegration_follow_up_scheduled_once")
    owner.execute("DROP TRIGGER grant_transition ON reintegration_grant")
    from django.db.models import QuerySet

    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **kwargs: self)
    checked = (
        grant_operations._check_payment
    )  # each takes a while between reading and writing, so that they do meet
    monkeypatch.setattr(
        grant_operations, "_check_payment", lambda *given: (time.sleep(0.2), checked(*given))[1]
    )
    results = _pay_in_parallel(approved_grant, 60000, committed)
    owner.execute(
        "SELECT count(*) FROM reintegration_instalment WHERE grant_id = %s", [str(approved_grant.pk)]
    )
    assert owner.fetchone()[0] > 1
    assert results.count("paid") > 1
    assert databases.url("app", committed)
