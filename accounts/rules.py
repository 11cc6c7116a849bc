"""Rules of access: incompatible roles, limits of a role, who may give it, lengths of sessions and of throttling."""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from django.utils.translation import gettext_lazy as _

from accounts.choices import (
    ADMINISTRATORS_TO_GIVE,
    GIVEN_BY_FOCAL_POINTS,
    OrganisationKind,
    Permission,
    RoleCode,
    Standing,
)

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Pair(NamedTuple):
    """Two roles that no user may have at one time in one organisation; accounts/sql/020_roles.sql enforces it too."""

    codes: frozenset[str]
    refusal: "StrOrPromise"


INCOMPATIBLE = (
    # A grant needs three users; one who approves and pays would be two of them.
    Pair(
        frozenset({RoleCode.GRANT_APPROVER, RoleCode.FINANCE}),
        _("One person can't approve grants and pay them in one organisation."),
    ),
    # Whoever gives roles must not be the one who checks in the audit log how they were used.
    Pair(
        frozenset({RoleCode.AUDITOR, RoleCode.ADMINISTRATOR}),
        _("One person can't configure the system and check its audit log."),
    ),
)
# Permissions over the whole site: they count only in an office of IOM, and have no effect in other organisations.
OF_IOM_ALONE = frozenset({Permission.CONFIGURE, Permission.READ_AUDIT, Permission.BREAK_GLASS})


def mailbox(email: str) -> str:
    """Return the mailbox of a plain address: small letters, without what follows a plus, Gmail's without dots and with
    one domain; accounts/sql/040_requests.sql says it too.
    """
    name, _at, domain = email.lower().partition("@")
    name = name.partition("+")[0]
    if domain in ("gmail.com", "googlemail.com"):
        name, domain = name.replace(".", ""), "gmail.com"
    return f"{name}@{domain}"


def pair_in(codes: Iterable[str]) -> Pair | None:
    """Return the first incompatible pair among a user's roles in one organisation at one time, or None."""
    roles = set(codes)
    return next((pair for pair in INCOMPATIBLE if pair.codes <= roles), None)


def in_force(permissions: Iterable[str], kind: str) -> frozenset[str]:
    """Return those of a role's permissions that have an effect in an organisation of this kind."""
    return frozenset(permissions) - (frozenset() if kind == OrganisationKind.IOM else OF_IOM_ALONE)


def limits_of(permissions: Iterable[str], *, follows: bool = False) -> list["StrOrPromise"]:
    """Return what a user with only these permissions can't do, the most important first.

    `follows`: the user has summary access to single programmes.
    """
    given = frozenset(permissions)
    reads, of_all = Permission.READ_CASES in given, Permission.READ_SUMMARIES in given
    summaries = of_all or follows
    knows = reads or summaries  # a user who sees no case needs no list of what can't be done with one
    limits: list[tuple[bool, StrOrPromise]] = [
        (not reads and summaries, _("Sees case references and amounts, never a name or what was said.")),
        (summaries and not (reads or of_all), _("Sees nothing of other programmes.")),
        (not knows, _("Sees no cases: no references, no names, no amounts.")),
        (reads and Permission.WRITE_CASES not in given, _("Can't write in a case file or open a new case.")),
        (reads and Permission.READ_RESTRICTED not in given, _("Can't read restricted notes.")),
        (reads and Permission.READ_COUNSELLING not in given, _("Can't read counselling notes.")),
        (reads and Permission.REFER_CASES not in given, _("Can't refer a case or receive a referral.")),
        (knows and Permission.EXPORT_CASES not in given, _("Can't export lists.")),
        (
            knows and Permission.OVERRIDE_ELIGIBILITY not in given,
            _("Can't admit a person who does not meet the criteria."),
        ),
        (knows and Permission.ENDORSE_GRANTS not in given, _("Can't endorse grants.")),
        (knows and Permission.APPROVE_GRANTS not in given, _("Can't approve grants.")),
        (knows and Permission.PAY_GRANTS not in given, _("Can't pay instalments.")),
        (Permission.MANAGE_USERS not in given, _("Can't add users or give roles.")),
        (Permission.READ_AUDIT not in given, _("Can't read the audit log.")),
        (Permission.CONFIGURE not in given, _("Can't change how the system is set up.")),
    ]
    return [text for applies, text in limits if applies]


def may_be_given(code: str, permissions: Iterable[str]) -> bool:
    """Return whether a focal point may give this role with these permissions."""
    return code in GIVEN_BY_FOCAL_POINTS and not set(permissions) & set(ADMINISTRATORS_TO_GIVE)


def standing_of(
    periods: Iterable[tuple[date, date | None]], *, is_active: bool, has_password: bool, on: date
) -> Standing:
    """Return a user's status on a day, from the first and last days of their roles."""
    starts = [first for first, last in periods if last is None or last >= on]
    if not starts or not is_active:
        return Standing.ENDED
    if not has_password:
        return Standing.INVITED
    return Standing.WORKING if min(starts) <= on else Standing.TO_COME


# The most invitations in 24 hours from one user, and to one address.
INVITATIONS_A_DAY = {"sender": 30, "address": 4}

# How long after a change of the address or a reset of the second factor a mailed link alone is no proof, and how long
# after a reset of the password by mail the second factor can't be reset.
PROOF_KEPT = timedelta(days=14)

LONGEST_IDLE = timedelta(minutes=20)
LONGEST_SESSION = timedelta(hours=10)
# Actions other than reading need a proof of identity that is no older than this.
FRESH = timedelta(minutes=10)


class ThrottleLimits(NamedTuple):
    """How many failures cause no wait, the longest wait, and after what time failures are forgotten."""

    free: int
    longest: timedelta
    forgotten: timedelta


# Few free failures for an account, many for an address, as an office of thirty users may share it.
THROTTLE_LIMITS = {
    "account": ThrottleLimits(free=4, longest=timedelta(minutes=15), forgotten=timedelta(days=1)),
    "browser": ThrottleLimits(free=4, longest=timedelta(minutes=15), forgotten=timedelta(days=1)),
    "address": ThrottleLimits(free=30, longest=timedelta(minutes=5), forgotten=timedelta(hours=1)),
}


FAILURES_OF_KNOWN = 8  # a known browser with more failures also waits for its address


def waits_for(kinds: Collection[str], *, browser_failures: int = 0) -> list[str]:
    """Return the kinds of keys whose failures make an attempt wait: for a known browser only its own, if few."""
    if "browser" in kinds and browser_failures <= FAILURES_OF_KNOWN:
        return ["browser"]
    return list(kinds)


def wait_left(kind: str, failures: int, failed_at: datetime, *, at: datetime) -> timedelta:
    """Return how long the next attempt must wait: at first not at all, then doubling from a second up to a maximum."""
    limits = THROTTLE_LIMITS[kind]
    if failures <= limits.free or at - failed_at >= limits.forgotten:
        return timedelta(0)
    wait = min(timedelta(seconds=2 ** min(failures - limits.free - 1, 20)), limits.longest)
    return max(failed_at + wait - at, timedelta(0))
