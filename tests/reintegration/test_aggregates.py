"""What a programme came to over all organisations: right, for the right people, and nothing but figures."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from beneficiaries.operations import record_consent
from core.clock import now
from core.context import acting_as, enter
from reintegration import queries
from reintegration.demo import DEMO_USERS
from tests import factories
from tests.pages import text_of

pytestmark = pytest.mark.django_db
A, B, MANAGER = "ngo_a_caseworker", "ngo_b_caseworker", "programme_manager"
SEE_FIGURES = {"iom_supervisor", "iom_approver", "iom_finance", MANAGER}
NAMES = ["cases", "completed", "grants_paid", "paid_npr"]


def _figures(demo_users, username=MANAGER) -> queries.ProgrammeTotals:
    with acting_as(demo_users[username]):
        found = queries.programme_totals(factories.project(), demo_users[username])
    assert found is not None
    return found


def _more(before, after) -> dict[str, int | Decimal]:
    """What has changed, by name."""
    return {name: new - old for name, old, new in zip(NAMES, before, after, strict=True) if new != old}


def test_cases_of_both_ngos_are_counted_and_money_is_summed(demo_users):
    before = _figures(demo_users)
    with acting_as(demo_users[A]):
        grant = factories.requested(
            factories.planned(factories.a_case(demo_users[A]), demo_users[A]), demo_users[A]
        )
        man = factories.a_case(demo_users[A], details=factories.beneficiary_details(sex="male"))
        factories.admitted(man, demo_users[A])
    with acting_as(demo_users[B]):
        factories.admitted(factories.a_case(demo_users[B], "NGO_B"), demo_users[B])
    assert _more(before, _figures(demo_users)) == {"cases": 3}
    factories.approved(grant, demo_users)
    half = _figures(demo_users)
    factories.paid(grant, demo_users, 40000)
    factories.paid(grant, demo_users, 20000)
    assert _more(half, _figures(demo_users)) == {"grants_paid": 1, "paid_npr": Decimal(60000)}


def test_figures_count_references_and_say_nothing_of_people(demo_users):
    """A second case of one person is one more, and an answer on being counted moves nothing."""
    before = _figures(demo_users)
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
    assert _more(before, _figures(demo_users)) == {"cases": 2}


def test_the_database_refuses_who_does_not_see_the_figures(demo_users):
    """By raw SQL as the application: an exception for each of the demo users without the permission, and for nobody."""
    project = factories.project()
    for username in DEMO_USERS:
        with acting_as(demo_users[username]), connection.cursor() as cursor:
            if username in SEE_FIGURES:
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


def test_the_function_reads_and_writes_nothing_and_has_no_way_for_others():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT provolatile, prosecdef, proowner::regrole::text, proacl::text[] FROM pg_proc "
            "WHERE oid = 'access.programme_totals(uuid)'::regprocedure"
        )
        volatility, is_definer, owner, rights = cursor.fetchone()
    assert (volatility, is_definer, owner) == ("s", True, "iom_functions")
    assert sorted(right.split("=")[0] for right in rights) == ["iom_app", "iom_functions"]


@pytest.mark.parametrize("username", DEMO_USERS)
def test_the_page_shows_figures_to_those_people_alone(username, demo_users, sign_in):
    page = text_of(sign_in(username).get("/projects/RASNM-2/"))
    assert "Who may be admitted" in page
    assert ("Cases admitted" in page) == (username in SEE_FIGURES)
    assert ("app-figure" in page) == (username in SEE_FIGURES)
