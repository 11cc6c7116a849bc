"""Idempotency keys: the same request again is answered as the first time."""

import uuid
from datetime import date

import pytest
from django.db import connection

from beneficiaries.models import Case
from core.clock import now
from core.context import acting_as
from tests import factories
from tests.api.program import FINANCE, A, B, fields_of, opening
from tests.api.test_writes import written
from tests.factories.scene import TOKEN

pytestmark = pytest.mark.django_db


def test_the_same_idempotency_key_gets_the_first_answer_again(program, demo_users):
    asking, key, body = program(A), str(uuid.uuid4()), opening()
    before = written(demo_users[A])["beneficiaries.Case"]
    answers = [asking.post("cases/", body, Idempotency_Key=key) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer["Location"] for answer in answers}) == 1
    assert len({answer.content for answer in answers}) == 1
    assert written(demo_users[A])["beneficiaries.Case"] == before + 1


def test_an_action_with_the_same_idempotency_key_is_done_once(program, demo_users):
    by = demo_users[A]
    with acting_as(by):
        grant = factories.requested(factories.planned(factories.a_case(by), by), by)
    factories.approved(grant, demo_users)
    body = {"amount_npr": "100", "voucher": "V", "paid_on": now().date().isoformat()}
    finance, key = program(FINANCE), str(uuid.uuid4())
    answers = [finance.post(f"grants/{grant.pk}/pay/", body, Idempotency_Key=key) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    without = finance.post(f"grants/{grant.pk}/pay/", body)
    assert without.json()["id"] != answers[0].json()["id"], "without a key it is another payment"


def test_a_grants_action_with_the_same_idempotency_key_is_answered_again(program, demo_users, whole_case):
    with acting_as(demo_users[A]):
        shared = factories.share_with_iom(whole_case, demo_users[A])
    asking, key = program(A), str(uuid.uuid4())
    answers = [asking.post(f"consents/{shared.pk}/withdraw/", Idempotency_Key=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content


def test_an_idempotency_key_is_for_one_body_one_address_and_one_user(program, demo_users):
    asking, key = program(A), str(uuid.uuid4())
    assert asking.post("cases/", opening(), Idempotency_Key=key).status_code == 201
    other_body = asking.post("cases/", opening(beneficiary={"first_name": "Maya"}), Idempotency_Key=key)
    assert other_body.status_code == 409
    with acting_as(demo_users[A]):
        case = Case.objects.visible_to(demo_users[A]).latest("created_at")
    body = {"case": str(case.pk), "answers": {"is_nepali": True}}
    assert asking.post("screenings/", body, Idempotency_Key=key).status_code == 409
    elsewhere = opening(organisation=str(factories.organisation("NGO_B").pk))
    other = program(B).post("cases/", elsewhere, Idempotency_Key=key)
    assert other.status_code == 201, "another person's key is neither shown nor in the way"
    assert fields_of(asking.post("cases/", opening(), Idempotency_Key="again")) == {"Idempotency-Key"}


def test_a_refused_request_leaves_its_idempotency_key_free(program):
    asking, key = program(A), str(uuid.uuid4())
    child = opening(beneficiary={"birth": f"{date.today().year - 12}-01-01", "birth_calendar": "ad"})
    assert asking.post("cases/", child, Idempotency_Key=key).status_code == 400
    assert asking.post("cases/", opening(), Idempotency_Key=key).status_code == 201


def test_an_idempotency_key_stores_nothing_of_the_body(program, demo_users):
    asking, key = program(A), str(uuid.uuid4())
    asking.post("cases/", opening(beneficiary={"first_name": TOKEN}), Idempotency_Key=key)
    with acting_as(demo_users[A]), connection.cursor() as cursor:
        cursor.execute("SELECT k::text FROM core_idempotencykey k")
        ((stored,),) = cursor.fetchall()
    assert TOKEN not in stored
    assert "api:case:create" in stored
