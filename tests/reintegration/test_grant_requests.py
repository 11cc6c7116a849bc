"""Requesting a grant: from a budget line that pays grants, for a purpose that names nobody, withdrawn until
decided.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts.models import Notice, User
from core.clock import now
from core.context import acting_as
from projects.models import BudgetLine
from reintegration import queries, rules
from reintegration.demo import DEMO_USERS
from reintegration.models import Grant
from reintegration.operations.grant import GrantActionRefused, approve_grant, endorse_grant, withdraw_grant
from tests import factories
from tests.api.program import Program
from tests.pages import forms_of, submit, text_of

A, SUPERVISOR, APPROVER = "ngo_a_caseworker", "iom_supervisor", "iom_approver"
SUMMARY_READERS = {"iom_supervisor", "iom_approver", "iom_finance", "programme_manager"}
TRIES = 20


@pytest.fixture
def plan(demo_users):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
        found = factories.planned(case, demo_users[A])
    found.case = case
    return found


@pytest.fixture
def grant(plan, demo_users) -> Grant:
    with acting_as(demo_users[A]):
        return factories.requested(plan, demo_users[A])


def _address(plan) -> str:
    return f"/cases/{plan.case.reference}/plans/{plan.pk}/grant/"


@pytest.mark.django_db
def test_no_budget_line_is_preselected_and_those_that_pay_grants_show_what_is_left(sign_in, demo_users, plan):
    page = sign_in(A).get(_address(plan))
    form = next(form for form in forms_of(page) if "amount_npr" in form["data"])
    assert "budget_line" not in form["data"], "nothing is chosen"
    text = text_of(page)
    assert "Management and coordination" not in text
    with acting_as(demo_users[A]):
        (left,) = queries.left_for_grants(factories.project()).values()
    assert "Reintegration grants: NPR " in text
    assert 0 < left < 65_000_000
    answer = submit(sign_in(A), _address(plan), {"amount_npr": "100", "purpose": "A stove."})
    assert 'id="id_budget_line_error"' in text_of(answer)


@pytest.mark.django_db
def test_a_budget_line_that_pays_no_grants_is_refused_everywhere(sign_in, demo_users, plan):
    line = BudgetLine.objects.get(project=factories.project(), code="coordination")
    sent = {"amount_npr": "100", "purpose": "A stove.", "budget_line": str(line.pk)}
    assert 'id="id_budget_line_error"' in text_of(submit(sign_in(A), _address(plan), sent))
    answer = Program(demo_users[A]).post("grants/", sent | {"plan": str(plan.pk)})
    assert [error["field"] for error in answer.json()["errors"]] == ["budget_line"]
    with acting_as(demo_users[A]):
        row = Grant(
            case_id=plan.case_id,
            plan=plan,
            project=factories.project(),
            budget_line=line,
            livelihood="tea_shop",
            amount_npr=1,
            ceiling_npr=65000,
            requested_by=demo_users[A],
            requested_at=now(),
        )
        with pytest.raises(IntegrityError, match="pays no grants"), transaction.atomic():
            row.save(force_insert=True)


def test_every_programme_that_gives_grants_has_a_budget_line_for_them():
    from projects.programme_files import read_all

    lines = {
        programme.code: [line.code for line in programme.budget_lines if line.pays_grants]
        for programme in read_all()
    }
    assert {code for code, found in lines.items() if not found} == {"PTLO"}
    assert {name for found in lines.values() for name in found} == {"grants"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("purpose", "message"),
    [
        ("", "Enter|required"),
        ("A stove for Sunita.", "Leave the name out"),
        ("तामाङ परिवारका लागि चुलो", "Leave the name out"),
        ("Ask her at 980-747 2357.", "Leave telephone"),
        ("९८०७४७२३५७", "Leave telephone"),
    ],
)
def test_a_purpose_that_names_the_beneficiary_is_refused_and_shown_again(
    sign_in, demo_users, plan, purpose, message
):
    import re

    page = text_of(
        submit(
            sign_in(A), _address(plan), {"amount_npr": "100", **factories.asks_for(plan), "purpose": purpose}
        )
    )
    assert re.search(message, page)
    assert purpose in page
    with acting_as(demo_users[A]):
        assert not Grant.objects.visible_to(demo_users[A]).filter(plan=plan).exists()


def test_a_purpose_that_names_nobody_is_accepted():
    names = ("Sunita", "", "Tamang", "सुनिता तामाङ")
    assert not rules.contains_name("Stove, cups and rent in the bazaar", names)
    assert not rules.contains_name("Sunitasari cloth", names)
    assert not rules.contains_number("3 goats for 60,000, a shed for 25000.50")


@pytest.mark.django_db
def test_an_approver_sees_the_purpose_and_what_is_left_of_the_budget_line(sign_in, demo_users, grant):
    with acting_as(demo_users[SUPERVISOR]):
        endorse_grant(grant=grant, by=demo_users[SUPERVISOR], now=now())
    page = text_of(sign_in(APPROVER).get(f"/grants/{grant.pk}/"))
    assert factories.grant.PURPOSE in page
    assert "is still available" in page


@pytest.mark.django_db
def test_what_is_left_falls_with_each_approval_and_not_again_with_its_payment(demo_users, grant):
    def left() -> Decimal:
        with acting_as(demo_users[APPROVER]):
            return queries.left_for_grants(factories.project())[grant.budget_line_id]

    before = left()
    factories.approved(grant, demo_users)
    assert before - left() == 60000
    factories.paid(grant, demo_users, 40000)
    assert before - left() == 60000
    factories.paid(grant, demo_users, 20000)
    assert before - left() == 60000


@pytest.mark.django_db
def test_what_is_left_is_visible_with_summary_access_or_a_case_in_the_programme(demo_users, grant):
    third = factories.a_third_ngo()
    assert third.pk
    works = {A, "ngo_a_reader", "ngo_a_supervisor", "ngo_b_caseworker"}
    works |= {"protection_supervisor", "protection_supervisor_2"}  # of cases that are shared with IOM
    for username in [*DEMO_USERS, "third"]:
        with acting_as(demo_users[username]):
            if username in SUMMARY_READERS | works:
                assert queries.left_for_grants(factories.project()), username
            else:
                with pytest.raises(DatabaseError, match="budget you see"), transaction.atomic():
                    queries.left_for_grants(factories.project())


@pytest.mark.django_db
def test_the_payment_is_not_prefilled_and_shows_what_is_left(sign_in, demo_users, grant):
    factories.approved(grant, demo_users)
    factories.paid(grant, demo_users, 20000)
    page = sign_in("iom_finance").get(f"/grants/{grant.pk}/")
    form = next(form for form in forms_of(page) if form["action"].endswith("/pay/"))
    assert form["data"]["amount_npr"] == [""]
    assert "NPR 40,000 of this grant is left." in text_of(page)


# Withdrawing


@pytest.mark.django_db
@pytest.mark.parametrize("endorsed", [False, True])
def test_a_request_is_withdrawn_by_its_requester_and_allows_another(sign_in, demo_users, grant, endorsed):
    if endorsed:
        with acting_as(demo_users[SUPERVISOR]):
            endorse_grant(grant=grant, by=demo_users[SUPERVISOR], now=now())
    page = text_of(submit(sign_in(A), f"/grants/{grant.pk}/", {}, action="/withdraw/"))
    assert "The request is withdrawn." in page
    notified = demo_users[APPROVER if endorsed else SUPERVISOR]
    with acting_as(notified):
        assert Notice.objects.visible_to(notified).filter(key=f"grant-withdrawn:{grant.pk}").count() == 1
        assert "/withdraw/" not in text_of(sign_in(notified.username).get(f"/grants/{grant.pk}/"))
    with acting_as(demo_users[A]):
        grant.refresh_from_db()
        assert (grant.state, grant.withdrawn_at is None) == ("withdrawn", False)
        assert factories.requested(grant.plan, demo_users[A]).state == "requested"


@pytest.mark.django_db
def test_a_grant_is_requested_again_a_few_times_a_day(demo_users, plan, time_machine):
    """Each request and each withdrawal is a notice to users of another organisation."""
    by = demo_users[A]
    time_machine.move_to(now(), tick=False)
    with acting_as(by):
        for _number in range(rules.REQUESTED_A_DAY):
            withdraw_grant(grant=factories.requested(plan, by), by=by, now=now())
        with pytest.raises(ValidationError, match="requested too often"):
            factories.requested(plan, by)
        assert Grant.objects.visible_to(by).filter(plan=plan).count() == rules.REQUESTED_A_DAY
    time_machine.move_to(now() + timedelta(hours=25), tick=False)
    with acting_as(by):
        assert factories.requested(plan, by).state == "requested"


@pytest.mark.django_db
def test_a_decided_grant_is_not_withdrawn(demo_users, grant):
    factories.approved(grant, demo_users)
    with acting_as(demo_users[A]), pytest.raises(GrantActionRefused, match="in this state: approved"):
        withdraw_grant(grant=grant, by=demo_users[A], now=now())


@pytest.mark.django_db
@pytest.mark.parametrize("username", [name for name in DEMO_USERS if name != A])
def test_nobody_but_its_requester_withdraws_a_grant(demo_users, grant, username):
    with acting_as(demo_users[username]), pytest.raises(PermissionDenied):
        withdraw_grant(grant=grant, by=demo_users[username], now=now())


@pytest.mark.django_db
def test_the_database_lets_only_the_requester_withdraw(demo_users, grant):
    withdrawn = "UPDATE reintegration_grant SET state = 'withdrawn', withdrawn_at = now() WHERE id = %s"
    with acting_as(demo_users[SUPERVISOR]), connection.cursor() as cursor:
        with pytest.raises(IntegrityError, match="withdrawn by who asked"), transaction.atomic():
            cursor.execute(withdrawn, [grant.pk])
    with acting_as(demo_users[A]), connection.cursor() as cursor:
        with pytest.raises(IntegrityError, match="withdrawn_has_moment"), transaction.atomic():
            cursor.execute("UPDATE reintegration_grant SET state = 'withdrawn' WHERE id = %s", [grant.pk])
        cursor.execute(withdrawn, [grant.pk])
        with pytest.raises(IntegrityError, match="does not go"), transaction.atomic():
            cursor.execute(
                "UPDATE reintegration_grant SET state = 'requested', withdrawn_at = NULL WHERE id = %s",
                [grant.pk],
            )


@pytest.mark.django_db
def test_a_program_withdraws_its_users_request(demo_users, grant):
    assert Program(demo_users[SUPERVISOR]).post(f"grants/{grant.pk}/withdraw/").status_code == 403
    answer = Program(demo_users[A]).post(f"grants/{grant.pk}/withdraw/")
    assert (answer.status_code, answer.json()["state"]) == (200, "withdrawn")
    assert Program(demo_users[A]).post(f"grants/{grant.pk}/withdraw/").status_code == 409


@pytest.mark.django_db
def test_a_case_closes_once_its_request_is_withdrawn(demo_users, grant):
    from beneficiaries.operations.case import close_case

    with acting_as(demo_users[A]):
        with pytest.raises(ValidationError, match="withdrawn first"):
            close_case(case=grant.case, by=demo_users[A], now=now())
        withdraw_grant(grant=grant, by=demo_users[A], now=now())
        assert close_case(case=grant.case, by=demo_users[A], now=now()).status == "closed"


# Withdrawing and approving at once


@pytest.fixture
def endorsed(demo_users, committed) -> Grant:
    with acting_as(demo_users[A]):
        grant = factories.requested(
            factories.planned(factories.a_case(demo_users[A]), demo_users[A]), demo_users[A]
        )
    with acting_as(demo_users[SUPERVISOR]):
        return endorse_grant(grant=grant, by=demo_users[SUPERVISOR], now=now())


def _race(grant: Grant) -> list[str]:
    """Let ten withdraw and ten approve, from as many connections; return the outcome of each."""
    together = Barrier(TRIES)

    def once(number: int) -> str:
        action, username = (withdraw_grant, A) if number % 2 else (approve_grant, APPROVER)
        try:
            user = User.objects.get(username=username)
            with acting_as(user):
                together.wait(timeout=60)
                action(grant=grant, by=user, now=now())
            return action.__name__
        except (ValidationError, IntegrityError) as error:
            return type(error).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(TRIES) as pool:
        return [name for name in pool.map(once, range(TRIES)) if name.endswith("_grant")]


def test_twenty_at_once_withdraw_or_approve_and_never_both(endorsed, owner):
    assert len(_race(endorsed)) == 1
    owner.execute(
        "SELECT state, approved_by_id IS NULL, withdrawn_at IS NULL FROM reintegration_grant WHERE id = %s",
        [str(endorsed.pk)],
    )
    assert owner.fetchone() in {("withdrawn", True, False), ("approved", False, True)}


def test_without_the_locks_both_go_through(endorsed, owner, monkeypatch):
    """The positive control: without row locks and triggers both succeed."""
    from django.db.models import QuerySet

    owner.execute("DROP TRIGGER grant_transition ON reintegration_grant")
    owner.execute("ALTER TABLE reintegration_grant DROP CONSTRAINT reintegration_grant_withdrawn_has_moment")
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **kwargs: self)
    assert len(_race(endorsed)) > 1
