"""Signing in costs time after failures: by account and by address, counted in PostgreSQL.

Nobody is locked out for ever: a wait grows to a fixed longest. A browser that its owner signed in with before waits for
its own failures alone: neither a stranger who tries the account again and again nor the others in its office shut its
owner out. It is known for one account, so it opens no way to guess at others; its failures count for its address too.
"""

import time
from datetime import datetime, timedelta

from django.db import connection
from django.utils.crypto import salted_hmac

from accounts.models import SignInThrottle
from accounts.rules import THROTTLE_LIMITS, wait_left, waits_for

LOCKS = 0x5A49  # of PostgreSQL's advisory locks those of accounts that somebody tries just now
PAUSE, AT_ONCE = 0.05, timedelta(seconds=1)
LONGEST_KEPT = max(patience.forgotten for patience in THROTTLE_LIMITS.values())


class MustWait(Exception):
    """Nothing was tried: there were too many failures before. `wait` says how long."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__()
        self.wait = wait


def account_key(username: str) -> str:
    """For every name that is typed, whether somebody has it or not; the name can't be read from it."""
    return _key("account", username.casefold())


def throttle_keys(*, username: str, address: str, browser: str = "") -> dict[str, str]:
    """What a try counts for: the account, or the known browser in its place; and the address where it is known."""
    keys = {"browser": _key("browser", browser)} if browser else {"account": account_key(username)}
    if address:
        keys["address"] = _key("address", address)
    return keys


def reset_keys(*, email: str, address: str) -> dict[str, str]:
    """What asking for a reset counts for: never for what signing in waits for."""
    keys = {"account": _key("reset of", email.casefold())}
    if address:
        keys["address"] = _key("resets from", address)
    return keys


def _own(keys: dict[str, str]) -> str:
    """The key of the known browser, or of the account."""
    return keys.get("browser") or keys["account"]


def _key(kind: str, value: str) -> str:
    return salted_hmac("accounts.throttle", f"{kind}:{value}", algorithm="sha256").hexdigest()


def begin_try(keys: dict[str, str], *, now: datetime) -> None:
    """Refuse where one must wait; else hold the account's or browser's lock to the end of this transaction.

    Tries at one moment go one after the other, so that none of them passes before the others' failures count.
    """
    end = time.monotonic() + AT_ONCE.total_seconds()
    while not _is_locked(_own(keys)):
        if time.monotonic() > end:
            raise MustWait(AT_ONCE)
        time.sleep(PAUSE)
    rows = {row.key: row for row in SignInThrottle.objects.filter(key__in=keys.values())}
    waits = [
        wait_left(kind, rows[keys[kind]].failures, rows[keys[kind]].failed_at, at=now)
        for kind in waits_for(keys)
        if keys[kind] in rows
    ]
    if any(waits):
        raise MustWait(max(waits))


def _is_locked(key: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", [LOCKS, key])
        return cursor.fetchone()[0]


def count_failure(keys: dict[str, str], *, now: datetime) -> None:
    """One more failure for each key, in one statement, so that none is lost among many at once."""
    with connection.cursor() as cursor:
        for kind, key in sorted(keys.items()):
            cursor.execute(
                "INSERT INTO accounts_signinthrottle AS t (key, failures, failed_at) VALUES (%(key)s, 1, %(now)s) "
                "ON CONFLICT (key) DO UPDATE SET failed_at = %(now)s, "
                "failures = CASE WHEN t.failed_at <= %(forgotten)s THEN 1 ELSE t.failures + 1 END",
                {"key": key, "now": now, "forgotten": now - THROTTLE_LIMITS[kind].forgotten},
            )


def forget_failures(keys: dict[str, str], *, now: datetime) -> None:
    """After success the account or browser starts anew; the address doesn't, or one's own account would clear it."""
    SignInThrottle.objects.filter(key=_own(keys)).delete()
    SignInThrottle.objects.filter(failed_at__lt=now - LONGEST_KEPT).delete()
