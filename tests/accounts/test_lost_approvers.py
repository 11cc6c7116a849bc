"""Ending the access of whoever could approve hides nothing from them, and opens nothing at once."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from accounts.models import User
from accounts.operations.users import save_membership, save_user
from core.clock import now
from core.context import acting_as
from tests.accounts.requests import ADMINISTRATOR, FOCAL, SECOND, asked, decided, names


def close_account(user: User, by: User) -> None:
    user.is_active = False
    save_user(user=user, by=by, now=now())


def end_role(user: User, by: User) -> None:
    membership = user.memberships.get()
    membership.ends_on = now().date() - timedelta(days=1)
    save_membership(membership=membership, by=by, now=now())


@pytest.mark.parametrize("end", [close_account, end_role])
def test_who_lost_their_access_hears_of_what_is_approved_afterwards(committed, owner, demo_users, end):
    """The other approver's access ends first: they are mailed of that and of each request, and it waits a day."""
    second, by = demo_users[SECOND], demo_users[ADMINISTRATOR]
    mails = "SELECT count(*) FROM core_outboxmessage WHERE recipient = %s"
    owner.execute(mails, [second.email])
    before = owner.fetchone()[0]
    with acting_as(by):
        end(second, by)
    request = asked(demo_users, ADMINISTRATOR, demo_users["researcher"])
    assert names(request) == {FOCAL: "focal_point"}
    decided(demo_users, FOCAL, request)
    assert request.state == "approved"
    assert not demo_users["researcher"].memberships.filter(role=request.role).exists()
    owner.execute(mails, [second.email])
    assert owner.fetchone()[0] - before == 3, "of the end, of the request and of its approval"


@pytest.mark.parametrize("days", [29, 31])
def test_after_thirty_days_approvals_take_effect_at_once_again(committed, owner, demo_users, days):
    owner.execute(
        "UPDATE accounts_user SET is_active = false, closed_at = now() - make_interval(days => %s) "
        "WHERE username = %s",
        [days, SECOND],
    )
    request = asked(demo_users, ADMINISTRATOR, demo_users["researcher"])
    decided(demo_users, FOCAL, request)
    assert request.state == ("approved" if days == 29 else "done")


@pytest.mark.django_db
def test_the_first_day_of_a_role_that_began_stays(demo_users):
    """Moved to tomorrow it would be over today, and its user would hear of nothing that is approved today."""
    by, membership = demo_users[ADMINISTRATOR], demo_users[SECOND].memberships.get()
    membership.starts_on = now().date() + timedelta(days=1)
    with acting_as(by), pytest.raises(ValidationError, match="first day can’t be changed"):
        save_membership(membership=membership, by=by, now=now())
