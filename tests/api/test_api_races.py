"""The API where commits are real: one idempotency key sent many times at once, and refusals that stay
recorded.
"""

import uuid
from concurrent.futures import ThreadPoolExecutor

from django.db import connection

from tests.api.program import MISSING, ROOT, A, B, Program, opening

TRIES = 8


def test_one_idempotency_key_sent_many_times_at_once_opens_one_case(committed, owner, demo_users):
    asking, body = Program(demo_users[A]), opening()
    owner.execute("SELECT count(*) FROM beneficiaries_case")
    before, key = owner.fetchone()[0], str(uuid.uuid4())

    def once(_number: int):
        try:
            return asking.post("cases/", body, Idempotency_Key=key)
        finally:
            connection.close()

    with ThreadPoolExecutor(TRIES) as pool:
        answers = list(pool.map(once, range(TRIES)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer["Location"] for answer in answers}) == 1
    owner.execute("SELECT count(*) FROM beneficiaries_case")
    assert owner.fetchone()[0] == before + 1


def test_without_an_idempotency_key_each_request_opens_a_case(committed, owner, demo_users):
    """The positive control of the test above."""
    asking, body = Program(demo_users[A]), opening()
    owner.execute("SELECT count(*) FROM beneficiaries_case")
    before = owner.fetchone()[0]
    assert [asking.post("cases/", body).status_code for _ in range(3)] == [201, 201, 201]
    owner.execute("SELECT count(*) FROM beneficiaries_case")
    assert owner.fetchone()[0] == before + 3


def test_refusals_are_recorded_for_the_tokens_user(committed, owner, demo_users):
    asking = Program(demo_users[B])
    asking.get(f"cases/{MISSING}/")
    asking.post("consents/", {"is_given": True})
    Program(demo_users["auditor"]).post("cases/", {})
    owner.execute(
        "SELECT detail->>'status', detail->>'path', u.username FROM core_auditevent e "
        "JOIN accounts_user u ON u.id = e.actor_id WHERE verb = 'denied' ORDER BY e.at"
    )
    assert owner.fetchall() == [
        ("404", f"{ROOT}cases/{MISSING}/", B),
        ("403", f"{ROOT}cases/", "auditor"),
    ]


def test_a_refused_request_leaves_nothing_behind(committed, owner, demo_users):
    """The request's transaction is rolled back whole, including the day of the token's last use."""
    asking = Program(demo_users[A])
    assert asking.post("cases/", {}).status_code == 400
    owner.execute("SELECT last_used_on FROM accounts_apitoken WHERE user_id = %s", [str(asking.user.pk)])
    assert owner.fetchall() == [(None,)]
    assert asking.get("cases/").status_code == 200
    owner.execute(
        "SELECT last_used_on IS NULL FROM accounts_apitoken WHERE user_id = %s", [str(asking.user.pk)]
    )
    assert owner.fetchall() == [(False,)]
