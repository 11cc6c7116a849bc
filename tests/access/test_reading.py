"""Who was shown what: recorded before it is shown, and visible to those who work on the case."""

import pytest
from django.db import connection

from beneficiaries.queries.reader import readers_of
from core.clock import now
from core.context import acting_as
from core.models import AuditEvent
from tests import factories
from tests.api.program import Program
from tests.pages import text_of, visit

pytestmark = pytest.mark.django_db
A, B = "ngo_a_caseworker", "ngo_b_caseworker"


@pytest.fixture
def case(demo_users):
    with acting_as(demo_users[A]):
        return factories.a_case(demo_users[A])


def read_events(demo_users) -> list[tuple[str, str]]:
    with acting_as(demo_users["auditor"]):
        events = AuditEvent.objects.filter(verb__endswith=" read").exclude(verb="log read").order_by("at")
        return [(event.verb, event.detail.get("page", "")) for event in events]


def test_every_page_about_a_case_is_recorded_as_reading(case, demo_users, sign_in):
    client = sign_in(A)
    for path in ("", "notes/new/", "close/", "transfers/new/", "readers/"):
        assert client.get(f"/cases/{case.reference}/{path}").status_code == 200
    visit(client, "/cases/?find=Sunita")
    client.get("/follow-ups/")
    client.get("/referrals/")
    assert read_events(demo_users) == [
        ("case file read", "case-detail"),
        ("case file read", "beneficiaries:note-add"),
        ("case file read", "beneficiaries:case-close"),
        ("case file read", "beneficiaries:transfer-offer"),
        ("case file read", "beneficiaries:case-readers"),
        ("list read", "beneficiaries:case-list"),
        ("list read", "reintegration:follow-up-list"),
        ("list read", "beneficiaries:referral-list"),
    ]


def test_reading_through_the_api_is_recorded(case, demo_users):
    program = Program(demo_users[A])
    assert program.get(f"cases/{case.pk}/").status_code == 200
    assert program.get("cases/").status_code == 200
    assert program.get(f"beneficiaries/{case.beneficiary_id}/").status_code == 200
    assert program.get("projects/").status_code == 200
    assert [verb for verb, _page in read_events(demo_users)] == ["row read", "list read", "row read"]


def test_search_terms_are_not_recorded(case, demo_users, sign_in):
    visit(sign_in(A), "/cases/?find=Sunita")
    with acting_as(demo_users["auditor"]):
        detail = AuditEvent.objects.filter(verb="list read").latest("at").detail
    assert detail["filters"] == ["find"]
    assert "Sunita" not in str(detail)


def test_those_who_work_on_a_case_see_who_opened_it(case, demo_users, sign_in):
    sign_in("ngo_a_reader").get(f"/cases/{case.reference}/")
    page = text_of(sign_in(A).get(f"/cases/{case.reference}/readers/"))
    for username in ("ngo_a_reader", A):
        assert demo_users[username].name in page
    assert "Who opened this file" in text_of(sign_in(A).get(f"/cases/{case.reference}/"))
    assert sign_in(B).get(f"/cases/{case.reference}/readers/").status_code == 404


def test_nobody_else_sees_who_opened_a_case(case, demo_users, sign_in):
    sign_in(A).get(f"/cases/{case.reference}/")
    for username, seen in ((A, 1), (B, 0), ("iom_approver", 0), ("auditor", 0), ("administrator", 0)):
        with acting_as(demo_users[username]), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM access.readers_of_case(%s)", [case.pk])
            assert cursor.fetchone() == (seen,), username


def test_emergency_access_is_shown_with_its_reason(case, demo_users, sign_in):
    protection, why = "protection_supervisor", "She called and was then cut off; no one answers."
    client = sign_in(protection)
    with acting_as(demo_users[protection]):
        from beneficiaries.operations.emergency import break_glass

        break_glass(typed=case.reference, reason=why, by=demo_users[protection], now=now())
    client.get(f"/cases/{case.reference}/")
    with acting_as(demo_users[A]):
        reasons = {reading.name: reading.why for reading in readers_of(case, demo_users[A])}
    assert reasons[demo_users[protection].name] == why
