"""Twenty at once: reassigning a case, and deactivating an organisation while cases are opened; each with its
control.
"""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection
from django.db.models import QuerySet

from accounts.models import Organisation, User
from accounts.operations.organisation import save_organisation
from beneficiaries.models import Case
from beneficiaries.operations.assignment import reassign_cases
from core.clock import now
from core.context import acting_as
from tests import factories

TRIES = 20


def at_once(action: Callable[[int], object]) -> list[str]:
    """Run the action from twenty connections at once; return the outcome of each."""
    barrier = Barrier(TRIES)

    def once(number: int) -> str:
        try:
            barrier.wait(timeout=60)
            action(number)
            return "done"
        except (ValidationError, PermissionDenied, DatabaseError) as error:
            return type(error).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(TRIES) as pool:
        return list(pool.map(once, range(TRIES)))


@pytest.fixture
def case(demo_users, committed) -> Case:
    for username in ("first_colleague", "second_colleague"):
        factories.a_colleague(username)
    with acting_as(demo_users["ngo_a_caseworker"]):
        return factories.a_case(demo_users["ngo_a_caseworker"])


def _reassigned_at_once(case: Case) -> list[str]:
    def reassign(number: int) -> None:
        by = User.objects.get(username="ngo_a_supervisor")
        to = User.objects.get(username=("first_colleague", "second_colleague")[number % 2])
        with acting_as(by):
            reassign_cases(cases=[case], caseworker=to, by=by, now=now())

    return at_once(reassign)


def _steps_fit(case: Case, demo_users, owner) -> bool:
    """Whether the history is one chain from the first caseworker to the last: each step begins where one
    ended.
    """
    owner.execute(
        "SELECT former_id, caseworker_id FROM beneficiaries_assignment WHERE case_id = %s", [str(case.pk)]
    )
    steps = owner.fetchall()
    owner.execute("SELECT caseworker_id FROM beneficiaries_casefile WHERE case_id = %s", [str(case.pk)])
    balance = Counter(str(to) for _former, to in steps)
    balance.subtract(str(former) for former, _to in steps)
    balance.subtract([str(owner.fetchone()[0])])
    balance.update([str(demo_users["ngo_a_caseworker"].pk)])
    return len(steps) > 1 and not any(balance.values())


def test_twenty_reassignments_at_once_leave_a_whole_history(case, demo_users, owner):
    assert _reassigned_at_once(case).count("done") > 1
    assert _steps_fit(case, demo_users, owner)


def test_without_the_lock_the_history_has_gaps(case, demo_users, owner, monkeypatch):
    """The positive control."""
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **kwargs: self)
    assert _reassigned_at_once(case).count("done") > 1
    assert not _steps_fit(case, demo_users, owner)


def _opened_and_deactivated_at_once() -> list[str]:
    def act(number: int) -> None:
        if number % 2:
            by = User.objects.get(username="third")
            with acting_as(by):
                factories.a_case(by, "NGO_C")
        else:
            by = User.objects.get(username="administrator")
            with acting_as(by):
                third = Organisation.objects.get(code="NGO_C")
                third.is_active = False
                save_organisation(organisation=third, by=by, now=now())

    return at_once(act)


def _cases_left_behind(owner) -> int:
    owner.execute(
        "SELECT count(*) FROM beneficiaries_case c JOIN accounts_organisation o ON o.id = c.lead_organisation_id "
        "WHERE o.code = 'NGO_C' AND NOT o.is_active AND c.status <> 'closed'"
    )
    return owner.fetchone()[0]


def test_of_twenty_at_once_no_case_is_opened_in_a_deactivated_organisation(demo_users, committed, owner):
    factories.a_third_ngo()
    assert "done" in _opened_and_deactivated_at_once()
    assert _cases_left_behind(owner) == 0


def test_without_the_lock_cases_are_left_with_a_deactivated_organisation(demo_users, committed, owner):
    """The positive control: opening a case no longer locks the organisation's row."""
    factories.a_third_ngo()
    owner.execute("SELECT pg_get_functiondef('access.case_led_by_an_active_one()'::regprocedure)")
    [definition] = owner.fetchone()
    assert " FOR SHARE;" in definition
    slower = definition.replace(" FOR SHARE;", ";").replace("RETURN NEW;", "PERFORM pg_sleep(1); RETURN NEW;")
    owner.execute(slower)
    _opened_and_deactivated_at_once()
    assert _cases_left_behind(owner) > 0
