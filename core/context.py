"""The database context: which user the current transaction acts for.

Without a context the access policies show no row. `access.enter(user_id)` is a reviewed database function that reads
the user's memberships itself and stores the result for this transaction only.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction

from core import audit, data_keys

_checked: set[str] = set()


def enter(user_id: UUID | None) -> str:
    """Let this transaction act for the user, or for nobody; return what they may do, as JSON (accounts/authority.py).

    Raises RuntimeError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("enter() outside a transaction would have no effect")
    data_keys.forget()
    with connection.cursor() as cursor:
        cursor.execute("SELECT access.enter(%s)", [user_id])
        return cursor.fetchone()[0]


def enter_as(user) -> None:
    """As `enter`, and keep on the user object what they may do, so that it isn't read again."""
    user.granted = enter(user.pk)


def entered_as() -> UUID | None:
    """Return the id of the user that this transaction acts for; None for nobody."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT access.user_id()")
        return cursor.fetchone()[0]


@contextmanager
def acting_as(user) -> Iterator[None]:
    """Run a block as `user`, in one transaction, and restore the former context afterwards.

    The settings outlive a nested atomic block, so they are restored explicitly.
    """
    with transaction.atomic():
        former = entered_as() if connection.in_atomic_block else None
        enter_as(user)
        yield
        audit.record_remaining(by=user)
        enter(former)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Run a block of a background sweep for nobody, in one transaction, and restore the former context afterwards."""
    with transaction.atomic():
        former = entered_as()
        enter(None)
        yield
        enter(former)


def refuse_powerful_role(connection, **kwargs: object) -> None:
    """Refuse a default connection whose role bypasses the access policies (superuser, owner, BYPASSRLS).

    Raises ImproperlyConfigured. Connected to `connection_created`; checks each database once per process.
    """
    if connection.alias != "default" or connection.settings_dict["NAME"] in _checked:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT r.rolsuper OR r.rolbypassrls
                   OR EXISTS (SELECT 1 FROM pg_auth_members m WHERE m.member = r.oid)
                   OR EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                              WHERE c.relowner = r.oid AND n.nspname IN ('public', 'access'))
            FROM pg_roles r WHERE r.rolname = current_user
            """
        )
        if cursor.fetchone()[0]:
            connection.close()
            raise ImproperlyConfigured(
                "DATABASE_URL names a role that passes the access policies (superuser, BYPASSRLS, member of another "
                "role, or owner of tables); name the application's role iom_app"
            )
    _checked.add(connection.settings_dict["NAME"])
