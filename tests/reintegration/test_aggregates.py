"""The aggregates of a programme over all organisations: correct, for those with summary access, and nothing
else.
"""

from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from beneficiaries.operations.consent import record_consent
from core.clock import now
from core.context import acting_as, enter
from reintegration import queries
from reintegration.demo import DEMO_USERS
from tests import factories
from tests.pages import text_of

pytestmark = pytest.mark.django_db
A, B, MANAGER = "ngo_a_caseworker", "ngo_b_caseworker", "programme_manager"
SUMMARY_READERS = {"iom_supervisor", "iom_approver", "iom_finance", MANAGER}
NAMES = ["cases", "completed", "grants_paid", "paid_npr"]


def _aggregates(demo_users, username=MANAGER) -> queries.ProgrammeTotals:
    with acting_as(demo_users[username]):
        found = queries.programme_totals(factories.project(), demo_users[username])
    assert found is not None
    return found


def _more(before, after) -> dict[str, int | Decimal]:
    """Return what has changed, by name."""
    return {name: new - old for name, old, new in zip(NAMES, before, after, strict=True) if new != old}


def test_cases_of_both_ngos_are_counted_and_money_is_summed(demo_users):
    before = _aggregates(demo_users)
    with acting_as(demo_users[A]):
        grant = factories.requested(
            factories.planned(factories.a_case(demo_users[A]), demo_users[A]), demo_users[A]
        )
        man = factories.a_case(demo_users[A], details=factories.beneficiary_details(sex="male"))
        factories.admitted(man, demo_users[A])
    with acting_as(demo_users[B]):
        factories.admitted(factories.a_case(demo_users[B], "NGO_B"), demo_users[B])
    assert _more(before, _aggregates(demo_users)) == {"cases": 3}
    factories.approved(grant, demo_users)
    half = _aggregates(demo_users)
    factories.paid(grant, demo_users, 40000)
    factories.paid(grant, demo_users, 20000)
    assert _more(half, _aggregates(demo_users)) == {"grants_paid": 1, "paid_npr": Decimal(60000)}


def test_aggregates_count_cases_and_say_nothing_about_beneficiaries(demo_users):
    """A second case of one beneficiary is counted, and consent to being counted changes nothing."""
    before = _aggregates(demo_users)
    with acting_as(demo_users[A]):
        first = factories.a_case(demo_users[A])
        factories.admitted(first, demo_users[A])
        factories.admitted(factories.another_case_of(first), demo_users[A])
        for agrees in (True, False):
            record_consent(
                case=first,
                purpose="reporting",
                organisation=None,
                is_given=agrees,
                given_by="self",
                how="spoken",
                by=demo_users[A],
                now=now(),
            )
    assert _more(before, _aggregates(demo_users)) == {"cases": 2}


def test_the_database_refuses_aggregates_without_summary_access(demo_users):
    """By raw SQL as the application: an error for each demo user without the permission, and for nobody."""
    project = factories.project()
    for username in DEMO_USERS:
        with acting_as(demo_users[username]), connection.cursor() as cursor:
            if username in SUMMARY_READERS:
                cursor.execute("SELECT * FROM access.programme_totals(%s)", [project.pk])
                assert [column.name for column in cursor.description] == NAMES
                assert len(cursor.fetchall()) == 1
            else:
                assert queries.programme_totals(project, demo_users[username]) is None
                with pytest.raises(DatabaseError, match="figures you see"), transaction.atomic():
                    cursor.execute("SELECT * FROM access.programme_totals(%s)", [project.pk])
    enter(None)
    with connection.cursor() as cursor:
        with pytest.raises(DatabaseError, match="figures you see"), transaction.atomic():
            cursor.execute("SELECT * FROM access.programme_totals(%s)", [project.pk])


def test_the_application_may_only_call_the_function_for_aggregates():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT provolatile, prosecdef, proowner::regrole::text, proacl::text[] FROM pg_proc "
            "WHERE oid = 'access.programme_totals(uuid)'::regprocedure"
        )
        volatility, is_definer, owner, rights = cursor.fetchone()
    assert (volatility, is_definer, owner) == ("s", True, "iom_functions")
    assert sorted(right.split("=")[0] for right in rights) == ["iom_app", "iom_functions"]


@pytest.mark.parametrize("username", DEMO_USERS)
def test_the_page_shows_aggregates_with_summary_access_only(username, demo_users, sign_in):
    page = text_of(sign_in(username).get("/projects/RASNM-2/"))
    assert "Who may be admitted" in page
    assert ("Cases admitted" in page) == (username in SUMMARY_READERS)
    assert ("app-figure" in page) == (username in SUMMARY_READERS)
