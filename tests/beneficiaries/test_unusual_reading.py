"""Reading that somebody should ask about: much, at night, or of one's own family name; supervisors are
notified once.
"""

import uuid
from datetime import timedelta

import pytest

from accounts.models import Membership, Notice, User
from beneficiaries.operations.reading import notify_of_unusual_reading
from beneficiaries.rules import UNUSUAL_FROM
from core.clock import now
from core.context import acting_as
from tests import factories

A = "ngo_a_caseworker"


def _read(owner, user: User, at, *cases: uuid.UUID) -> None:
    """Add events of a given moment, as only the owner can."""
    for case in cases:
        owner.execute(
            "INSERT INTO core_auditevent (id, at, actor_id, verb, object_type, case_id, detail) "
            "VALUES (gen_random_uuid(), %s, %s, 'case file read', '', %s, '{}')",
            [at, str(user.pk), str(case)],
        )


def _some(count: int) -> list[uuid.UUID]:
    return [uuid.uuid4() for _number in range(count)]


def _notices(demo_users, username: str) -> list[str]:
    with acting_as(demo_users[username]):
        return list(
            Notice.objects.visible_to(demo_users[username])
            .filter(key__startswith="reading:")
            .values_list("text", flat=True)
        )


NOON = now().replace(hour=12, minute=0)
NIGHT = now().replace(hour=23, minute=30)


@pytest.mark.parametrize(
    ("kind", "at", "word"), [("many", NOON, "within an hour"), ("night", NIGHT, "at night")]
)
def test_much_reading_and_reading_at_night_notify_the_supervisor_once(
    committed, owner, demo_users, kind, at, word
):
    reader = demo_users["iom_approver"]
    _read(owner, reader, at, *_some(UNUSUAL_FROM[kind] - 1))
    assert notify_of_unusual_reading(now=at + timedelta(minutes=5)) == 0
    _read(owner, reader, at, *_some(1))
    assert notify_of_unusual_reading(now=at + timedelta(minutes=5)) == 1
    assert notify_of_unusual_reading(now=at + timedelta(minutes=6)) == 0
    (text,) = _notices(demo_users, "iom_supervisor")
    assert word in text
    assert str(UNUSUAL_FROM[kind]) in text


def test_ordinary_reading_by_day_notifies_nobody(committed, owner, demo_users):
    _read(owner, demo_users["iom_approver"], NOON, *_some(UNUSUAL_FROM["night"]))
    assert notify_of_unusual_reading(now=NOON + timedelta(minutes=5)) == 0


def test_reading_of_ones_own_family_name_notifies_the_focal_point_without_a_supervisor(
    committed, owner, demo_users
):
    Membership.objects.filter(user=demo_users["ngo_a_supervisor"]).update(
        ends_on=now().date() - timedelta(days=1)
    )
    reader = demo_users["ngo_a_reader"]
    User.objects.filter(pk=reader.pk).update(last_name="Tamang")
    with acting_as(demo_users[A]):
        cases = [factories.a_case(demo_users[A]) for _ in range(UNUSUAL_FROM["name"])]
        other = factories.a_case(demo_users[A], details=factories.beneficiary_details(second_name="Rai"))
    at = NOON
    _read(owner, reader, at, *(case.pk for case in (*cases[1:], other)))
    assert notify_of_unusual_reading(now=at + timedelta(minutes=5)) == 0
    _read(owner, reader, at, cases[0].pk)
    assert notify_of_unusual_reading(now=at + timedelta(minutes=5)) >= 1
    assert any(
        "same family name as the user: 3" in text for text in _notices(demo_users, "ngo_a_focal_point")
    )
    assert _notices(demo_users, "ngo_b_caseworker") == []


def test_reading_ones_own_cases_is_not_unusual(committed, owner, demo_users):
    worker = demo_users[A]
    User.objects.filter(pk=worker.pk).update(last_name="Tamang")
    with acting_as(worker):
        own = [factories.a_case(worker).pk for _ in range(UNUSUAL_FROM["name"] + 1)]
    _read(owner, worker, NOON, *own)
    assert notify_of_unusual_reading(now=NOON + timedelta(minutes=5)) == 0
