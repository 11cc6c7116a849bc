"""Locks of a user's row, under which operations compare what they read before."""

from django.core.exceptions import PermissionDenied

from accounts.models import User


def locked_user(user: User) -> User:
    """Lock a user's row until this transaction ends, and return the user as they are now."""
    return User.objects.select_for_update().get(pk=user.pk)


def lock_own_account(user: User) -> None:
    """Lock the row of a user who changes their own credentials.

    The user was read when the request began. Raises PermissionDenied if the account was closed since, or has another
    password or address: then the sessions of that time have ended, and a request of theirs must change nothing.
    """
    current = locked_user(user)
    if not current.is_active or (current.password, current.email) != (user.password, user.email):
        raise PermissionDenied
