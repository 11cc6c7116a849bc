"""Visits: one that finds nobody is tried again, an early one is asked about, and a closed case has none due."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection
from django.db.models import QuerySet

from accounts.models import Notice
from beneficiaries.models import CaseFile
from beneficiaries.operations.risk import assess_risk
from core.clock import now
from core.context import acting_as
from reintegration import rules
from reintegration.models import FollowUp, Reminder
from reintegration.operations.follow_up import record_follow_up
from reintegration.operations.reminder import send_due_reminders
from tests import factories, pages
from tests.api.program import Program

A = "ngo_a_caseworker"


@pytest.fixture
def case(demo_users):
    """A case of the first NGO, not shared, whose first call is due."""
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
        factories.admitted(case, demo_users[A], enrolled_on=now().date() - timedelta(days=8))
    return case


def visited(client, demo_users, case, **changes):
    """Record the first follow-up of the case on its page."""
    with acting_as(demo_users[A]):
        follow_up = FollowUp.objects.visible_to(demo_users[A]).filter(case=case, done_on=None)[0]
    today = now().date().isoformat()
    given = {"done_on": today, "outcome": "seen", "wellbeing": "danger", "note": "He is back."}
    return pages.submit(client, f"/follow-ups/{follow_up.pk}/", given | changes)


def follow_ups_of(case, user) -> list[FollowUp]:
    with acting_as(user):
        return list(FollowUp.objects.visible_to(user).filter(case=case))


def test_a_closed_case_shows_nothing_due(client, demo_users):
    """Neither in the case file, on Today, in the list, in the API, nor in the sweep."""
    third = factories.a_third_ngo().roles.get(code="caseworker").memberships.get().user
    with acting_as(third):
        case = factories.a_case(third, "NGO_C")
        factories.admitted(case, third, enrolled_on=now().date() - timedelta(days=8))
    client.force_login(third)
    program, [follow_up] = Program(third), follow_ups_of(case, third)
    page, resources = f"/follow-ups/{follow_up.pk}/", ("follow-ups", "reminders")
    addresses = ("/", "/follow-ups/", f"/cases/{case.reference}/")
    for address in addresses:
        assert page in client.get(address).content.decode(), address
    assert [len(program.keys(name, case=case.pk)) for name in resources] == [1, 1]
    pages.submit(client, f"/cases/{case.reference}/close/", {})
    for address in addresses:
        shown = client.get(address).content.decode()
        assert page not in shown, address
        assert "Due next" not in shown, address
    assert [program.keys(name, case=case.pk) for name in resources] == [[], []]
    send_due_reminders(now=now())
    with acting_as(third):
        assert not Notice.objects.visible_to(third).filter(text__contains=case.reference).exists()


def test_a_follow_up_of_a_closed_case_is_not_recorded(sign_in, demo_users, case):
    client = sign_in(A)
    [follow_up] = follow_ups_of(case, demo_users[A])
    page = f"/follow-ups/{follow_up.pk}/"
    given = {"done_on": now().date().isoformat(), "outcome": "seen", "wellbeing": "good", "note": "Seen."}
    pages.submit(client, f"/cases/{case.reference}/close/", {})
    text = client.get(page).content.decode()
    assert "The case is closed: nothing more is due." in text
    assert "What was the result?" not in text
    answer = client.post(page, given | {"form_key": str(uuid.uuid4())}).content.decode()
    assert "The case is closed: nothing more is due." in answer
    assert "Seen." in answer, "what was typed stays"
    assert Program(demo_users[A]).post(f"follow-ups/{follow_up.pk}/record/", given).status_code == 404
    assert [row.outcome for row in follow_ups_of(case, demo_users[A])] == [""]


# Failed attempts


def recorded(demo_users, case, by: str = A, at=None, **changes) -> FollowUp:
    """Record the first due follow-up of a case as one that failed."""
    given = {"outcome": "not_found", "wellbeing": "", "note": "The site was locked."}
    moment = at or now()
    with acting_as(demo_users[by]):
        due = (
            FollowUp.objects.visible_to(demo_users[by])
            .filter(case=case, done_on=None)
            .order_by("due_on", "id")[0]
        )
        return record_follow_up(
            follow_up=due, by=demo_users[by], now=moment, **{"done_on": moment.date()} | given | changes
        )


def notices_about(demo_users, username: str, case) -> int:
    """Return how many notices about the case a user has."""
    with acting_as(demo_users[username]):
        return Notice.objects.visible_to(demo_users[username]).filter(text__contains=case.reference).count()


def open_of(demo_users, case) -> FollowUp:
    [found] = [row for row in follow_ups_of(case, demo_users[A]) if row.done_on is None]
    return found


def test_a_visit_that_found_nobody_makes_the_next_attempt(sign_in, demo_users, case):
    client, today = sign_in(A), now().date()
    answer = visited(client, demo_users, case, outcome="not_found", wellbeing="", note="The site was locked.")
    assert "The next attempt is due on" in answer.content.decode()
    tried, again = sorted(follow_ups_of(case, demo_users[A]), key=lambda row: row.attempt)
    assert (tried.outcome, tried.done_on, tried.note) == ("not_found", today, "The site was locked.")
    assert tried.recorded_by_id == demo_users[A].pk
    assert (again.origin, again.project_id, again.label_en) == (
        tried.origin,
        tried.project_id,
        tried.label_en,
    )
    assert (again.attempt, again.due_on, again.done_on) == (2, today + timedelta(days=7), None)
    with acting_as(demo_users[A]):
        assert Reminder.objects.visible_to(demo_users[A]).get(follow_up=again).due_on == again.due_on
        assert not FollowUp.objects.visible_to(demo_users[A]).filter(case=case).seen().exists()
    page = client.get(f"/follow-ups/{again.pk}/").content.decode()
    assert "Earlier attempts" in page
    assert "The site was locked." in page
    assert "Attempt 2" in client.get(f"/cases/{case.reference}/").content.decode()


def test_at_a_high_risk_the_next_attempt_is_the_next_day_and_supervisors_are_notified(demo_users, case):
    with acting_as(demo_users[A]):
        assess_risk(case=case, level="high", source="review", by=demo_users[A], now=now())
    people = ("ngo_a_supervisor", "protection_supervisor", "protection_supervisor_2")
    before = {username: notices_about(demo_users, username, case) for username in people}
    tried = recorded(demo_users, case)
    again = [
        row for row in follow_ups_of(case, demo_users[A]) if row.origin == tried.origin and not row.done_on
    ]
    assert [row.due_on for row in again] == [now().date() + timedelta(days=1)]
    assert {username: notices_about(demo_users, username, case) for username in people} == {
        username: count + 1 for username, count in before.items()
    }


def test_otherwise_the_supervisors_are_notified_of_the_third_attempt(demo_users, case):
    for attempt in (1, 2, 3):
        assert notices_about(demo_users, "ngo_a_supervisor", case) == 0
        assert recorded(demo_users, case).attempt == attempt
    assert notices_about(demo_users, "ngo_a_supervisor", case) == 1
    assert notices_about(demo_users, "protection_supervisor", case) == 0, (
        "the risk is medium, and there is a supervisor"
    )
    assert open_of(demo_users, case).attempt == 4


def test_somebody_who_declines_is_asked_once_more_after_a_month(demo_users, case):
    recorded(demo_users, case, outcome="declined", note="Not now, after the harvest.")
    again = open_of(demo_users, case)
    assert (again.attempt, again.due_on) == (2, now().date() + timedelta(days=30))
    recorded(demo_users, case, outcome="declined")
    assert [row for row in follow_ups_of(case, demo_users[A]) if row.done_on is None] == []
    assert notices_about(demo_users, "ngo_a_supervisor", case) == 0
    with acting_as(demo_users[A]):
        assert not FollowUp.objects.visible_to(demo_users[A]).filter(case=case).seen().exists()


def test_at_a_high_risk_somebody_who_declines_is_always_tried_again_soon(demo_users, case):
    with acting_as(demo_users[A]):
        assess_risk(case=case, level="high", source="review", by=demo_users[A], now=now())
    for attempt in (1, 2):
        tried = recorded(demo_users, case, outcome="declined")
        assert tried.attempt == attempt
        [again] = [
            row
            for row in follow_ups_of(case, demo_users[A])
            if row.origin == tried.origin and not row.done_on
        ]
        assert again.due_on == now().date() + timedelta(days=3)
        if attempt == 1:
            with acting_as(demo_users[A]):
                FollowUp.objects.filter(pk=again.pk).update(due_on=tried.due_on)


def test_danger_reported_at_a_failed_visit_raises_the_risk(demo_users, case):
    recorded(demo_users, case, wellbeing="danger", note="The neighbours heard screams.")
    with acting_as(demo_users[A]):
        assert CaseFile.objects.get(case=case).risk == "high"
    assert sorted(row.kind for row in follow_ups_of(case, demo_users[A]) if row.done_on is None) == [
        "call",
        "safety",
    ]


def test_a_safety_step_that_found_nobody_is_tried_again_and_says_what_was_done(demo_users, case):
    with acting_as(demo_users[A]):
        assess_risk(case=case, level="high", source="review", by=demo_users[A], now=now())
        step = FollowUp.objects.visible_to(demo_users[A]).get(case=case, kind="safety")
        given = {"done_on": now().date(), "note": "", "by": demo_users[A], "now": now()}
        record_follow_up(follow_up=step, outcome="not_found", wellbeing="danger", **given)
        again = FollowUp.objects.visible_to(demo_users[A]).get(case=case, kind="safety", done_on=None)
        assert (again.attempt, again.due_on) == (2, now().date() + timedelta(days=1))
        with pytest.raises(ValidationError, match="Say what was done"):
            record_follow_up(follow_up=again, outcome="seen", wellbeing="fair", **given)


# Long before its day


def early_visit(demo_users, case) -> FollowUp:
    """Return the call of a programme that is due in a week, of a case that was admitted today."""
    with acting_as(demo_users[A]):
        made = factories.a_case(demo_users[A])
        factories.admitted(made, demo_users[A])
        return FollowUp.objects.visible_to(demo_users[A]).select_related("case").get(case=made)


EARLY = {"outcome": "seen", "wellbeing": "good", "note": "Met her at the market."}


def test_a_visit_long_before_its_day_is_asked_about(sign_in, demo_users, case):
    client, due, today = sign_in(A), early_visit(demo_users, case), now().date()
    page = f"/follow-ups/{due.pk}/"
    assert "Does it count" not in client.get(page).content.decode(), "asked only where there is doubt"
    given = EARLY | {"done_on": today.isoformat()}
    answer = pages.submit(client, page, given)
    text = answer.content.decode()
    assert "Does it count as that visit?" in text
    assert "Met her at the market." in text, "what was typed stays"
    assert [row.done_on for row in follow_ups_of(due.case, demo_users[A])] == [None]
    form = next(form for form in pages.forms_of(answer) if form["method"] == "post")
    data = {name: value for name, value in form["data"].items() if name != "csrfmiddlewaretoken"}
    assert client.post(page, data | {"counts": ["no"]}).status_code == 302
    extra, owed = sorted(follow_ups_of(due.case, demo_users[A]), key=lambda row: row.due_on)
    assert (extra.done_on, extra.outcome, extra.project_id) == (today, "seen", due.project_id)
    assert (owed.pk, owed.done_on, owed.due_on) == (due.pk, None, due.due_on)
    assert "Extra" in client.get(f"/cases/{due.case.reference}/").content.decode()


def test_an_early_visit_that_counts_completes_the_follow_up(sign_in, demo_users, case):
    client, due = sign_in(A), early_visit(demo_users, case)
    given = EARLY | {"done_on": now().date().isoformat(), "counts": "yes", "form_key": str(uuid.uuid4())}
    assert client.post(f"/follow-ups/{due.pk}/", given).status_code == 302
    assert [(row.pk, row.outcome) for row in follow_ups_of(due.case, demo_users[A])] == [(due.pk, "seen")]


def test_the_api_asks_about_an_early_visit(demo_users, case):
    program, due = Program(demo_users[A]), early_visit(demo_users, case)
    given = EARLY | {"done_on": now().date().isoformat()}
    asked = program.post(f"follow-ups/{due.pk}/record/", given)
    assert asked.status_code == 400
    [error] = asked.json()["errors"]
    assert error["field"] == "counts"
    assert error["message"].endswith("Does it count as that visit?")
    extra = program.post(f"follow-ups/{due.pk}/record/", given | {"counts": False})
    assert extra.status_code == 200
    assert extra.json()["id"] != str(due.pk)
    assert program.get(f"follow-ups/{due.pk}/").json()["done_on"] is None
    counted = program.post(f"follow-ups/{due.pk}/record/", given | {"counts": True})
    assert (counted.json()["id"], counted.json()["outcome"]) == (str(due.pk), "seen")


@pytest.mark.parametrize(
    ("due_in", "interval", "early"),
    [(30, 365, False), (31, 365, True), (18, 90, False), (19, 90, True), (-5, 7, False), (30, None, False)],
)
def test_when_a_visit_is_early(due_in, interval, early):
    today = now().date()
    due_on = today + timedelta(days=due_in)
    counted_from = due_on - timedelta(days=interval) if interval else None
    assert rules.is_early(due_on=due_on, counted_from=counted_from, done_on=today) is early


def test_a_failed_attempt_before_the_due_day_keeps_the_due_day(demo_users, case):
    due = early_visit(demo_users, case)
    recorded(demo_users, due.case, counts=True)
    assert open_of(demo_users, due.case).due_on == due.due_on


# Twenty at once


def _at_once(demo_users, case, tries: int = 20) -> list[str]:
    due = open_of(demo_users, case)

    def once(_number: int) -> str:
        given = {"done_on": now().date(), "outcome": "not_found", "wellbeing": "", "note": ""}
        try:
            with acting_as(demo_users[A]):
                record_follow_up(follow_up=due, by=demo_users[A], now=now(), **given)
        except ValidationError:
            return "already saved"
        except IntegrityError as error:
            return error.__cause__.diag.constraint_name
        finally:
            connection.close()
        return ""

    with ThreadPoolExecutor(tries) as pool:
        return list(pool.map(once, range(tries)))


def a_due_case(demo_users):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
        factories.admitted(case, demo_users[A], enrolled_on=now().date() - timedelta(days=8))
    return case


def test_of_twenty_attempts_at_once_one_is_recorded(committed, demo_users):
    case = a_due_case(demo_users)
    assert sorted(_at_once(demo_users, case)) == ["", *["already saved"] * 19]
    assert sorted(row.attempt for row in follow_ups_of(case, demo_users[A])) == [1, 2]


def test_without_the_lock_the_database_refuses_a_second_next_attempt(
    committed, owner, demo_users, monkeypatch
):
    """The control of the test above; the trigger that asks for the next version would refuse it before."""
    owner.execute("DROP TRIGGER follow_up_has_next_version ON reintegration_followup")
    case = a_due_case(demo_users)
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **options: rows)
    errors = _at_once(demo_users, case)
    assert "reintegration_follow_up_scheduled_once" in errors
