"""Visits: a closed case owes none."""

import uuid
from datetime import timedelta

import pytest

from accounts.models import Notice
from core.clock import now
from core.context import acting_as
from reintegration import operations
from reintegration.models import FollowUp
from tests import pages, story
from tests.test_api import Program

pytestmark = pytest.mark.django_db
A = "ngo_a_caseworker"


@pytest.fixture
def case(cast):
    """A case of the first NGO, not shared, whose first call is due."""
    with acting_as(cast[A]):
        case = story.a_case(cast[A])
        story.admitted(case, cast[A], enrolled_on=now().date() - timedelta(days=8))
    return case


def visited(client, cast, case, **changes):
    """The first follow-up of the case recorded on its page."""
    with acting_as(cast[A]):
        follow_up = FollowUp.objects.visible_to(cast[A]).filter(case=case, done_on=None)[0]
    today = now().date().isoformat()
    given = {"done_on": today, "outcome": "seen", "wellbeing": "danger", "note": "He is back."}
    return pages.submit(client, f"/follow-ups/{follow_up.pk}/", given | changes)


def follow_ups_of(case, user) -> list[FollowUp]:
    with acting_as(user):
        return list(FollowUp.objects.visible_to(user).filter(case=case))


def test_a_closed_case_shows_nothing_due(client, cast):
    """Neither the case file nor Today, the list, the API, nor the sweep."""
    third = story.a_third_ngo().roles.get(code="caseworker").memberships.get().user
    with acting_as(third):
        case = story.a_case(third, "NGO_C")
        story.admitted(case, third, enrolled_on=now().date() - timedelta(days=8))
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
    operations.send_due_reminders(now=now())
    with acting_as(third):
        assert not Notice.objects.visible_to(third).filter(text__contains=case.reference).exists()


def test_a_follow_up_of_a_closed_case_is_not_recorded(sign_in, cast, case):
    client = sign_in(A)
    [follow_up] = follow_ups_of(case, cast[A])
    page = f"/follow-ups/{follow_up.pk}/"
    given = {"done_on": now().date().isoformat(), "outcome": "seen", "wellbeing": "good", "note": "Seen."}
    pages.submit(client, f"/cases/{case.reference}/close/", {})
    told = client.get(page).content.decode()
    assert "The case is closed: nothing is due any more." in told
    assert "What came of it?" not in told
    answer = client.post(page, given | {"form_key": str(uuid.uuid4())}).content.decode()
    assert "The case is closed: nothing is due any more." in answer
    assert "Seen." in answer, "what was typed stays"
    assert Program(cast[A]).post(f"follow-ups/{follow_up.pk}/record/", given).status_code == 404
    assert [row.outcome for row in follow_ups_of(case, cast[A])] == [""]
