"""Access requests in the database: its own checks, and twenty approvals at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction

from accounts.approval import decides_as
from accounts.models import AccessRequest, Membership, OrganisationGroupPermission, Role, User
from core.clock import now
from core.context import acting_as
from tests.accounts.requests import ADMINISTRATOR, FOCAL, SECOND, WHO, a_new_user, asked, decided, role, today
from tests.factors import enrolled

TRIES = 20


def attempts(demo_users) -> dict[str, object]:
    """Return each row that needs a second user, written past Python."""
    user, caseworker = demo_users[WHO], role("caseworker")
    ended = Membership.objects.filter(user=user)
    return {
        "a role": lambda: Membership.objects.create(
            user=demo_users["researcher"], role=caseworker, starts_on=today()
        ),
        "a role of another": lambda: ended.update(user=demo_users["researcher"]),
        "another role": lambda: ended.update(role=role("supervisor")),
        "more days": lambda: ended.update(starts_on="2000-01-01"),
        "another address": lambda: User.objects.filter(pk=user.pk).update(email="x@example.org"),
        "more permissions": lambda: OrganisationGroupPermission.objects.filter(
            group=role("reader").group
        ).update(
            permission=OrganisationGroupPermission.objects.filter(permission__codename="pay_grants")[
                0
            ].permission
        ),
        "a role of another group": lambda: Role.objects.filter(pk=role("reader").pk).update(
            code="supervisor"
        ),
        "a decided request": lambda: AccessRequest.objects.create(
            kind="reopen",
            user=user,
            email=user.email,
            state="approved",
            asked_by=demo_users[ADMINISTRATOR],
            decided_by=demo_users[SECOND],
            decided_at=now(),
            takes_effect_at=now(),
        ),
        "a request in another's name": lambda: AccessRequest.objects.create(
            kind="reopen", user=user, email=user.email, asked_by=demo_users[FOCAL]
        ),
        "no second step": lambda: user.authenticator_set.all().delete(),
    }


@pytest.mark.parametrize("by", [None, ADMINISTRATOR, FOCAL])
def test_the_database_itself_asks_for_the_second_user(demo_users, by):
    enrolled(demo_users[WHO])
    for name, attempt in attempts(demo_users).items():
        if by is None and name == "a request in another's name":
            continue
        with pytest.raises(IntegrityError), transaction.atomic():
            if by == FOCAL and name == "a request in another's name":
                raise IntegrityError  # it is their own
            if by is None:
                attempt()
            else:
                with acting_as(demo_users[by]):
                    attempt()
            pytest.fail(name)


def test_the_database_itself_keeps_a_closed_account_closed(demo_users):
    User.objects.filter(pk=demo_users[WHO].pk).update(is_active=False)
    with pytest.raises(IntegrityError, match="closed account"), transaction.atomic():
        User.objects.filter(pk=demo_users[WHO].pk).update(is_active=True)


def test_no_row_is_decided_by_the_application(demo_users):
    """It may add and read requests, and change none."""
    asked(demo_users, FOCAL, demo_users["ngo_a_reader"])
    with pytest.raises(Exception, match="permission denied"), transaction.atomic():
        AccessRequest.objects.update(state="approved")


@pytest.mark.parametrize(
    "change",
    [
        "decided_by_id = asked_by_id",
        "decided_by_id = user_id",
        "asked_by_id = user_id",
        "state = 'done'",
        "state = 'approved'",
        "role_id = NULL",
    ],
)
def test_each_constraint_of_a_request_refuses_a_wrong_row(committed, owner, demo_users, change):
    asked(demo_users, FOCAL, demo_users["ngo_a_reader"])
    with pytest.raises(Exception, match="accounts_request"):
        owner.execute(f"UPDATE accounts_accessrequest SET {change}")


def _approved_at_once(demo_users, request: AccessRequest) -> int:
    start = Barrier(TRIES)

    def approve(_number: int) -> bool:
        try:
            start.wait(timeout=60)
            decided(demo_users, SECOND, AccessRequest.objects.get(pk=request.pk))
        except (PermissionDenied, ValidationError, IntegrityError):
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(TRIES) as pool:
        return list(pool.map(approve, range(TRIES))).count(True)


def test_of_twenty_approvals_at_once_one_takes_effect(committed, demo_users):
    request = AccessRequest.objects.get(user=a_new_user(demo_users))
    assert _approved_at_once(demo_users, request) == 1
    assert Membership.objects.filter(user=request.user).count() == 1


def test_nobody_who_may_not_approve_finds_a_request(sign_in, demo_users):
    user = a_new_user(demo_users)
    request = AccessRequest.objects.get(user=user)
    assert decides_as(demo_users[SECOND], request) == "supervisor"
    missing = sign_in("ngo_b_caseworker").get("/team/requests/00000000-0000-0000-0000-000000000007/")
    hidden = sign_in("ngo_b_caseworker").get(f"/team/requests/{request.pk}/")
    assert (missing.status_code, missing.content) == (404, hidden.content)
