"""The outbox: one message that can't be sent keeps back no other."""

import pytest
from django.core import mail

from core import outbox
from core.clock import now
from core.context import acting_as

SOFT_HYPHEN_ALONE = "p@\u00ad.org"  # Python's e-mail library can't encode this domain
WHO = "ngo_a_caseworker"


def _queue(demo_users, recipient: str, subject: str = "Hello") -> None:
    """Queue a message to a former address, which no user needs to have."""
    with acting_as(demo_users[WHO]):
        outbox.queue(
            key=f"{outbox.FORMER}{recipient}", recipient=recipient, subject=subject, body="x", now=now()
        )


@pytest.fixture
def empty(owner):
    """Delete the demo data's own messages."""
    owner.execute("DELETE FROM core_outboxmessage")


@pytest.mark.parametrize(
    ("recipient", "subject"),
    [
        (SOFT_HYPHEN_ALONE, "Hello"),
        (f"p@{'ı' * 63}.org", "Hello"),
        ("p@example.org", "Two\nlines"),
    ],
)
def test_a_message_that_cant_be_made_keeps_back_no_other(
    committed, owner, empty, demo_users, recipient, subject
):
    _queue(demo_users, recipient, subject)
    _queue(demo_users, "next@example.org")
    assert outbox.deliver() == {"sent": 1, "already": 0, "failed": 1}
    assert [message.to for message in mail.outbox] == [["next@example.org"]]
    owner.execute(
        "SELECT attempts, lease_until > now(), last_error <> '' FROM core_outboxmessage WHERE sent_at IS NULL"
    )
    assert owner.fetchall() == [(1, True, True)], "it waits longer after each attempt, and fails after ten"


def test_a_message_that_ends_its_sender_is_given_up(committed, owner, empty, demo_users, monkeypatch):
    """A sender that is killed settles nothing."""
    _queue(demo_users, "next@example.org")
    owner.execute("UPDATE core_outboxmessage SET attempts = %s", [outbox.MOST_TRIES])
    assert outbox.deliver() == {"sent": 0, "already": 0, "failed": 1}
    owner.execute("SELECT failed_at IS NOT NULL, last_error FROM core_outboxmessage")
    assert owner.fetchall() == [(True, "it was tried too often")]
