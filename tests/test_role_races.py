"""Two roles given to one person at the same moment, where commits are real."""

from concurrent.futures import ThreadPoolExecutor, TimeoutError
from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Membership, Role, User


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
def test_two_roles_given_at_once_see_each_other(committed, code, refusal):
    """The second waits for the first to be written, then sees it; a role that goes with it stands."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            _give("researcher", "grant_approver")
            second = pool.submit(_late, "researcher", code)
            with pytest.raises(TimeoutError):
                second.result(timeout=1)
        assert refusal in second.result(timeout=20)
        assert bool(second.result()) == bool(refusal)
