"""How unfinished interviews end: notices before they are deleted, and a supervisor where somebody is at risk."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction

from beneficiaries.operations.draft import decide_draft, delete_expired_drafts, warn_of_drafts
from beneficiaries.queries.draft import drafts_to_reassign
from core.clock import now
from core.context import acting_as
from core.models import AuditEvent
from tests.beneficiaries.test_drafts import a_draft, call, supervises

pytestmark = pytest.mark.usefixtures("set_up")
A, B, FOCAL, READER = "ngo_a_caseworker", "ngo_b_caseworker", "ngo_a_focal_point", "ngo_a_reader"


@pytest.fixture
def drafts(demo_users, committed):
    """Return two interviews in a database of this test's own, whose days can be changed: the functions use
    its clock.
    """
    supervises(demo_users, FOCAL)
    with acting_as(demo_users[A]):
        return {"plain": a_draft(demo_users[A]), "at risk": a_draft(demo_users[A], may_be_at_risk=True)}


def days_pass(owner, days: int) -> None:
    owner.execute("ALTER TABLE beneficiaries_intakedraft DISABLE TRIGGER draft_stays")
    owner.execute(
        "UPDATE beneficiaries_intakedraft SET created_at = created_at - %s * interval '1 day', "
        "expires_on = expires_on - %s, warned_on = warned_on - %s",
        [days, days, days],
    )
    owner.execute("ALTER TABLE beneficiaries_intakedraft ENABLE TRIGGER draft_stays")


def test_author_and_supervisor_are_notified_two_days_before_a_draft_is_deleted(drafts, demo_users, owner):
    assert (warn_of_drafts(now=now()), delete_expired_drafts(now=now())) == (0, 0)
    days_pass(owner, 12)
    assert (warn_of_drafts(now=now()), delete_expired_drafts(now=now())) == (2, 0)
    assert warn_of_drafts(now=now()) == 0, "once"
    for username in (A, FOCAL):
        with acting_as(demo_users[username]):
            texts = [
                notice.text for notice in demo_users[username].notices.filter(key__startswith="draft-ends:")
            ]
            assert sorted("unfinished" in text for text in texts) == [False, True]
    days_pass(owner, 1)
    assert delete_expired_drafts(now=now()) == 0
    days_pass(owner, 1)
    assert delete_expired_drafts(now=now()) == 1
    owner.execute("SELECT id FROM beneficiaries_intakedraft")
    assert owner.fetchall() == [(drafts["at risk"].pk,)]
    owner.execute("SELECT wrapped FROM core_datakey WHERE subject_id = %s", [drafts["plain"].pk])
    assert owner.fetchall() == [(None,)]
    with acting_as(demo_users["auditor"]):
        event = AuditEvent.objects.get(verb="interview expired")
    assert (event.object_id, event.actor_id) == (drafts["plain"].pk, None)


def test_no_draft_is_deleted_without_its_notice(drafts, owner):
    """Beat was down for a month: the notice comes first, and two more days."""
    days_pass(owner, 30)
    assert delete_expired_drafts(now=now()) == 0
    assert warn_of_drafts(now=now()) == 2
    assert delete_expired_drafts(now=now()) == 0
    days_pass(owner, 2)
    assert delete_expired_drafts(now=now()) == 1


def test_a_draft_at_risk_waits_until_a_supervisor_keeps_it_and_then_again(drafts, demo_users, owner):
    user, draft = demo_users[FOCAL], drafts["at risk"]
    days_pass(owner, 40)
    with acting_as(user):
        assert [row.id for row in drafts_to_reassign(user) if row.waits] == [draft.pk]
        for wrong in (
            {"why": " ", "review_on": now().date() + timedelta(days=9)},
            {"why": "Her brother looks for her."},
            {"why": "Her brother looks for her.", "review_on": now().date()},
            {"why": "Her brother looks for her.", "review_on": now().date() + timedelta(days=91)},
        ):
            with pytest.raises(ValidationError):
                decide_draft(draft_id=draft.pk, keep=True, by=user, now=now(), **wrong)
        decide_draft(
            draft_id=draft.pk,
            keep=True,
            why="Her brother looks for her.",
            review_on=now().date() + timedelta(days=30),
            by=user,
            now=now(),
        )
        assert [row.id for row in drafts_to_reassign(user) if row.waits] == []
    days_pass(owner, 30)
    with acting_as(user):
        assert [row.id for row in drafts_to_reassign(user) if row.waits] == [draft.pk]
        decide_draft(draft_id=draft.pk, keep=False, by=user, now=now())
    owner.execute("SELECT count(*) FROM beneficiaries_intakedraft WHERE id = %s", [draft.pk])
    assert owner.fetchone() == (0,)


def test_a_draft_without_risk_is_not_kept_longer(drafts, demo_users, owner):
    user, until = demo_users[FOCAL], now().date() + timedelta(days=30)
    with acting_as(user):
        with pytest.raises(ValidationError, match="at risk"):
            decide_draft(
                draft_id=drafts["plain"].pk, keep=True, why="Later.", review_on=until, by=user, now=now()
            )
        with pytest.raises(DatabaseError, match="at risk"), transaction.atomic():
            call("keep_draft", drafts["plain"].pk, until, b"x")


def test_a_draft_whose_author_left_is_shown_as_nobodys(drafts, demo_users, owner):
    owner.execute("UPDATE accounts_user SET is_active = false WHERE username = %s", [A])
    with acting_as(demo_users[FOCAL]):
        assert [row.is_orphaned for row in drafts_to_reassign(demo_users[FOCAL])] == [True, True]
    days_pass(owner, 12)
    assert warn_of_drafts(now=now()) == 2, "the supervisor alone is left to be notified"
