"""Throttling of sign-in attempts: after failures an account and an address must wait. Counted in PostgreSQL.

Nobody is locked out for ever: the wait has a maximum. A browser with which the user signed in before waits only for its
own failures, so neither a stranger's attempts nor those of others in the office lock its user out. It is known for one
user only, so it can't be used to guess at others; its failures also count for its address, and after many of them it
waits for its address too.
"""

import time
from datetime import datetime, timedelta

from django.db import connection
from django.utils.crypto import salted_hmac

from accounts.rules import THROTTLE_LIMITS, wait_left, waits_for
from accounts.throttle_models import SignInThrottle

LOCKS = 0x5A49  # first number of the advisory locks of accounts with an attempt under way
PAUSE, AT_ONCE = 0.05, timedelta(seconds=1)
LONGEST_KEPT = max(limits.forgotten for limits in THROTTLE_LIMITS.values())


class MustWait(Exception):
    """The attempt was not made, as there were too many failures before; `wait` is the time to wait."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__()
        self.wait = wait


def account_key(username: str) -> str:
    """Return a keyed digest of a typed user name, whether or not such a user exists."""
    return _key("account", username.lower())  # as UserManager.named compares it


def throttle_keys(*, username: str, address: str, browser: str = "") -> dict[str, str]:
    """Return the keys that an attempt counts for: the account or the known browser, and the address if it is known."""
    keys = {"browser": _key("browser", browser)} if browser else {"account": account_key(username)}
    if address:
        keys["address"] = _key("address", address)
    return keys


def reset_keys(*, email: str, address: str) -> dict[str, str]:
    """Return the keys that asking for a reset counts for; separate from those of signing in. `email` is plain."""
    keys = {"account": _key("reset of", email.lower())}
    if address:
        keys["address"] = _key("resets from", address)
    return keys


def _own(keys: dict[str, str]) -> str:
    """The key of the known browser, or of the account."""
    return keys.get("browser") or keys["account"]


def _key(kind: str, value: str) -> str:
    return salted_hmac("accounts.throttle", f"{kind}:{value}", algorithm="sha256").hexdigest()


def begin_try(keys: dict[str, str], *, now: datetime) -> None:
    """Raise MustWait if the attempt must wait, else lock the account or browser until this transaction ends.

    Simultaneous attempts thus run one after the other, and each sees the failures of those before.
    """
    end = time.monotonic() + AT_ONCE.total_seconds()
    while not _is_locked(_own(keys)):
        if time.monotonic() > end:
            raise MustWait(AT_ONCE)
        time.sleep(PAUSE)
    rows = {row.key: row for row in SignInThrottle.objects.filter(key__in=keys.values())}
    own = rows.get(keys.get("browser", ""))
    waits = [
        wait_left(kind, rows[keys[kind]].failures, rows[keys[kind]].failed_at, at=now)
        for kind in waits_for(keys, browser_failures=own.failures if own else 0)
        if keys[kind] in rows
    ]
    if any(waits):
        raise MustWait(max(waits))


def _is_locked(key: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", [LOCKS, key])
        return cursor.fetchone()[0]


def count_failure(keys: dict[str, str], *, now: datetime) -> None:
    """Count a failure for each key, each in one statement, so that none is lost in parallel attempts."""
    with connection.cursor() as cursor:
        for kind, key in sorted(keys.items()):
            cursor.execute(
                "INSERT INTO accounts_signinthrottle AS t (key, failures, failed_at) VALUES (%(key)s, 1, %(now)s) "
                "ON CONFLICT (key) DO UPDATE SET failed_at = %(now)s, "
                "failures = CASE WHEN t.failed_at <= %(forgotten)s THEN 1 ELSE t.failures + 1 END",
                {"key": key, "now": now, "forgotten": now - THROTTLE_LIMITS[kind].forgotten},
            )


def forget_failures(keys: dict[str, str], *, now: datetime) -> None:
    """Reset the account's or browser's count after a success, but not the address's, which any account could clear."""
    SignInThrottle.objects.filter(key=_own(keys)).delete()
    SignInThrottle.objects.filter(failed_at__lt=now - LONGEST_KEPT).delete()
