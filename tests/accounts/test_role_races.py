"""Roles where commits are real: two given to one user at the same moment, and what the audit log records."""

from concurrent.futures import ThreadPoolExecutor, TimeoutError
from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Membership, Role, User
from accounts.operations.invitation import invite_again
from accounts.operations.users import NewUser, add_user, end_access, give_role
from accounts.queries import roles_given_by
from core.clock import now
from core.context import acting_as
from tests import factories


def _give(username: str, code: str) -> None:
    role = Role.objects.get(organisation__code="IOM", code=code)
    user = User.objects.get(username=username)
    Membership(user=user, role=role, starts_on=date(2026, 1, 1)).save(force_insert=True)


def _late(username: str, code: str) -> str:
    try:
        _give(username, code)
    except IntegrityError as error:
        return str(error)
    finally:
        connection.close()
    return ""


@pytest.mark.parametrize(("code", "refusal"), [("finance", "together"), ("reader", "")])
def test_two_roles_given_at_once_are_checked_against_each_other(committed, set_up, code, refusal):
    """The second waits for the first to be committed, then sees it; compatible roles are both given."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            _give("researcher", "grant_approver")
            second = pool.submit(_late, "researcher", code)
            with pytest.raises(TimeoutError):
                second.result(timeout=1)
        assert refusal in second.result(timeout=20)
        assert bool(second.result()) == bool(refusal)


def test_every_action_of_a_focal_point_is_recorded(committed, owner, demo_users):
    focal, today = demo_users["ngo_a_focal_point"], now().date()
    roles = {role.code: role for role in roles_given_by(focal)}
    days = {"starts_on": today, "ends_on": None, "by": focal, "now": now()}
    given = NewUser("Asha", "Lama", "asha@example.org", "en")
    with acting_as(focal):
        made = add_user(given=given, role=roles["caseworker"], **days)
    factories.agreed()
    with acting_as(focal):
        give_role(user=made, role=roles["supervisor"], **days)
    factories.agreed()
    with acting_as(focal):
        invite_again(user=made, by=focal, now=now())
        end_access(user=made, by=focal, now=now())
    owner.execute(
        "SELECT verb, count(*) FROM core_auditevent WHERE actor_id = %s GROUP BY 1", [str(focal.pk)]
    )
    assert dict(owner.fetchall()) == {
        "user saved": 1,
        "access asked": 2,
        "membership removed": 2,
        "invitation sent": 1,
        "access ended": 1,
    }


@pytest.mark.parametrize(
    ("changed", "lasts"),
    [
        ("UPDATE accounts_membership SET starts_on = current_date WHERE user_id = %s", True),
        ("UPDATE accounts_membership SET starts_on = current_date + 2 WHERE user_id = %s", False),
        ("UPDATE accounts_membership SET ends_on = current_date - 2 WHERE user_id = %s", False),
        (
            "UPDATE accounts_organisation SET is_active = false WHERE id IN (SELECT r.organisation_id FROM "
            "accounts_membership m JOIN accounts_role r ON r.id = m.role_id WHERE m.user_id = %s)",
            False,
        ),
    ],
)
def test_the_view_of_what_is_granted_counts_roles_that_last(committed, owner, demo_users, changed, lasts):
    """By itself: `access.granted_to` leaves out the same organisations, unless another role lasts there."""
    factories.a_third_ngo()  # without open cases, which would keep it active
    user = [str(demo_users["third"].pk)]
    owner.execute(changed, user)
    owner.execute("SELECT count(*) > 0 FROM access.granted WHERE user_id = %s", user)
    assert owner.fetchone()[0] is lasts
