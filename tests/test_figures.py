"""What a programme came to over all organisations: right, for the right people, and nothing but figures."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from beneficiaries.operations import record_consent
from core.clock import now
from core.context import acting_as, enter
from reintegration import queries
from reintegration.demo import CAST
from tests import story
from tests.pages import text_of

pytestmark = pytest.mark.django_db
A, B, MANAGER = "ngo_a_caseworker", "ngo_b_caseworker", "programme_manager"
SEE_FIGURES = {"iom_supervisor", "iom_approver", "iom_finance", MANAGER}
NAMES = ["cases", "completed", "grants_paid", "paid_npr"]


def _figures(cast, username=MANAGER) -> queries.ProgrammeFigures:
    with acting_as(cast[username]):
        found = queries.programme_figures(story.project(), cast[username])
    assert found is not None
    return found


def _more(before, after) -> dict[str, int | Decimal]:
    """What has changed, by name."""
    return {name: new - old for name, old, new in zip(NAMES, before, after, strict=True) if new != old}


def test_cases_of_both_ngos_are_counted_and_money_is_summed(cast):
    before = _figures(cast)
    with acting_as(cast[A]):
        grant = story.requested(story.planned(story.a_case(cast[A]), cast[A]), cast[A])
        man = story.a_case(cast[A], person=story.a_person(sex="male"))
        story.admitted(man, cast[A])
    with acting_as(cast[B]):
        story.admitted(story.a_case(cast[B], "NGO_B"), cast[B])
    assert _more(before, _figures(cast)) == {"cases": 3}
    story.approved(grant, cast)
    half = _figures(cast)
    story.paid(grant, cast, 40000)
    story.paid(grant, cast, 20000)
    assert _more(half, _figures(cast)) == {"grants_paid": 1, "paid_npr": Decimal(60000)}


def test_figures_count_references_and_say_nothing_of_people(cast):
    """A second case of one person is one more, and an answer on being counted moves nothing."""
    before = _figures(cast)
    with acting_as(cast[A]):
        first = story.a_case(cast[A])
        story.admitted(first, cast[A])
        story.admitted(story.another_case_of(first), cast[A])
        for agrees in (True, False):
            record_consent(
                case=first,
                purpose="reporting",
                organisation=None,
                is_given=agrees,
                given_by="self",
                how="spoken",
                by=cast[A],
                now=now(),
            )
    assert _more(before, _figures(cast)) == {"cases": 2}


def test_the_database_refuses_who_does_not_see_the_figures(cast):
    """By raw SQL as the application: an exception for each of the cast without the permission, and for nobody."""
    project = story.project()
    for username in CAST:
        with acting_as(cast[username]), connection.cursor() as cursor:
            if username in SEE_FIGURES:
                cursor.execute("SELECT * FROM wall.programme_figures(%s)", [project.pk])
                assert [column.name for column in cursor.description] == NAMES
                assert len(cursor.fetchall()) == 1
            else:
                assert queries.programme_figures(project, cast[username]) is None
                with pytest.raises(DatabaseError, match="figures you see"), transaction.atomic():
                    cursor.execute("SELECT * FROM wall.programme_figures(%s)", [project.pk])
    enter(None)
    with connection.cursor() as cursor:
        with pytest.raises(DatabaseError, match="figures you see"), transaction.atomic():
            cursor.execute("SELECT * FROM wall.programme_figures(%s)", [project.pk])


def test_the_function_reads_and_writes_nothing_and_has_no_way_for_others():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT provolatile, prosecdef, proowner::regrole::text, proacl::text[] FROM pg_proc "
            "WHERE oid = 'wall.programme_figures(uuid)'::regprocedure"
        )
        volatility, is_definer, owner, rights = cursor.fetchone()
    assert (volatility, is_definer, owner) == ("s", True, "iom_functions")
    assert sorted(right.split("=")[0] for right in rights) == ["iom_app", "iom_functions"]


@pytest.mark.parametrize("username", CAST)
def test_the_page_shows_figures_to_those_people_alone(username, cast, sign_in):
    page = text_of(sign_in(username).get("/projects/RASNM-2/"))
    assert "Who may be admitted" in page
    assert ("Cases admitted" in page) == (username in SEE_FIGURES)
    assert ("app-figure" in page) == (username in SEE_FIGURES)
