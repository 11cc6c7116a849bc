"""What a role can't do, who may give it, how somebody stands, and how long a session and a wait last."""

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
    """Two roles that nobody holds at one time in one organisation; accounts/sql/020_roles.sql holds it too."""

    codes: frozenset[str]
    refusal: "StrOrPromise"


INCOMPATIBLE = (
    # An approver who also pays would be two of the three people that a grant needs.
    Pair(
        frozenset({RoleCode.GRANT_APPROVER, RoleCode.FINANCE}),
        _("One person can't approve grants and pay them in one organisation."),
    ),
    # Who gives roles would check in the log what they did with them.
    Pair(
        frozenset({RoleCode.AUDITOR, RoleCode.ADMINISTRATOR}),
        _("One person can't configure the system and check its audit log."),
    ),
)
# What these open belongs to the whole house: they hold in IOM, and mean nothing in another organisation.
OF_IOM_ALONE = frozenset({Permission.CONFIGURE, Permission.READ_AUDIT, Permission.BREAK_GLASS})


def pair_in(codes: Iterable[str]) -> Pair | None:
    """The first incompatible pair among roles held at one time in one organisation."""
    held = set(codes)
    return next((pair for pair in INCOMPATIBLE if pair.codes <= held), None)


def in_force(permissions: Iterable[str], kind: str) -> frozenset[str]:
    """Of what a role was given, what it means in an organisation of this kind."""
    return frozenset(permissions) - (frozenset() if kind == OrganisationKind.IOM else OF_IOM_ALONE)


def limits_of(permissions: Iterable[str], *, follows: bool = False) -> list["StrOrPromise"]:
    """What somebody with these permissions and no others can't do, the weightiest first.

    `follows`: they see the figures of single programmes.
    """
    held = frozenset(permissions)
    reads, of_all = Permission.READ_CASES in held, Permission.READ_SUMMARIES in held
    figures = of_all or follows
    knows = reads or figures  # who sees no case needn't be told what can't be done with one
    said: list[tuple[bool, StrOrPromise]] = [
        (not reads and figures, _("Sees case references and amounts, never a name or what was said.")),
        (figures and not (reads or of_all), _("Sees nothing of other programmes.")),
        (not knows, _("Sees no cases: no references, no names, no amounts.")),
        (reads and Permission.WRITE_CASES not in held, _("Can't write in a case file or open a new case.")),
        (reads and Permission.READ_RESTRICTED not in held, _("Can't read restricted notes.")),
        (reads and Permission.READ_COUNSELLING not in held, _("Can't read counselling notes.")),
        (reads and Permission.REFER_CASES not in held, _("Can't refer a case or receive a referral.")),
        (knows and Permission.EXPORT_CASES not in held, _("Can't export lists.")),
        (
            knows and Permission.OVERRIDE_ELIGIBILITY not in held,
            _("Can't admit a person who does not meet the criteria."),
        ),
        (knows and Permission.ENDORSE_GRANTS not in held, _("Can't endorse grants.")),
        (knows and Permission.APPROVE_GRANTS not in held, _("Can't approve grants.")),
        (knows and Permission.PAY_GRANTS not in held, _("Can't pay instalments.")),
        (Permission.MANAGE_USERS not in held, _("Can't add users or give roles.")),
        (Permission.READ_AUDIT not in held, _("Can't read the audit log.")),
        (Permission.CONFIGURE not in held, _("Can't change how the system is set up.")),
    ]
    return [text for is_so, text in said if is_so]


def may_be_given(code: str, permissions: Iterable[str]) -> bool:
    """Whether a focal point may give this role, with what it is allowed in their organisation."""
    return code in GIVEN_BY_FOCAL_POINTS and not set(permissions) & set(ADMINISTRATORS_TO_GIVE)


def standing_of(
    periods: Iterable[tuple[date, date | None]], *, is_active: bool, has_password: bool, on: date
) -> Standing:
    """How somebody with roles on these days stands on that day. Why an account is closed makes no difference."""
    kept = [first for first, last in periods if last is None or last >= on]
    if not kept or not is_active:
        return Standing.ENDED
    if not has_password:
        return Standing.INVITED
    return Standing.WORKING if min(kept) <= on else Standing.TO_COME


# Invitations in 24 hours: from one user, and to one address.
INVITATIONS_A_DAY = {"sender": 30, "address": 4}

# How long a mailed link alone is no proof, after the address or the second step was changed; and the other way round.
PROOF_KEPT = timedelta(days=14)

LONGEST_IDLE = timedelta(minutes=20)
LONGEST_SESSION = timedelta(hours=10)
# For what weighs more than reading, one says again who one is when that was longer ago.
FRESH = timedelta(minutes=10)


class ThrottleLimits(NamedTuple):
    """How many failures cost nothing, how long the wait grows, and when failures are forgotten."""

    free: int
    longest: timedelta
    forgotten: timedelta


# Few for one account. Many for one address, as an office of thirty people may share it.
THROTTLE_LIMITS = {
    "account": ThrottleLimits(free=4, longest=timedelta(minutes=15), forgotten=timedelta(days=1)),
    "browser": ThrottleLimits(free=4, longest=timedelta(minutes=15), forgotten=timedelta(days=1)),
    "address": ThrottleLimits(free=30, longest=timedelta(minutes=5), forgotten=timedelta(hours=1)),
}


def waits_for(kinds: Collection[str]) -> list[str]:
    """For which of the keys that a try counts for it must wait: a known browser for its own failures alone."""
    return [kind for kind in kinds if kind == "browser" or "browser" not in kinds]


def wait_left(kind: str, failures: int, failed_at: datetime, *, at: datetime) -> timedelta:
    """How long to wait for the next try: nothing at first, then doubling from a second to a fixed longest."""
    patience = THROTTLE_LIMITS[kind]
    if failures <= patience.free or at - failed_at >= patience.forgotten:
        return timedelta(0)
    wait = min(timedelta(seconds=2 ** min(failures - patience.free - 1, 20)), patience.longest)
    return max(failed_at + wait - at, timedelta(0))
