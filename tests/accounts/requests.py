"""What the tests of access requests share: users who ask and decide, and a new user."""

from accounts.approval import approvers_of
from accounts.models import AccessRequest, Membership, Role, User
from accounts.operations.access import decide_access
from accounts.operations.users import NewUser, add_user, save_membership
from core.clock import now
from core.context import acting_as

ADMINISTRATOR, FOCAL, SECOND, WHO = (
    "administrator",
    "ngo_a_focal_point",
    "ngo_a_supervisor",
    "ngo_a_caseworker",
)
PROTECTION = "protection_supervisor"
SECOND_IOM = "iom_supervisor"
TRIES = 20


def role(code: str, organisation: str = "NGO_A") -> Role:
    return Role.objects.get(organisation__code=organisation, code=code)


def today() -> str:
    return now().date().isoformat()


def permissions_of(changed: Role) -> set[str]:
    return set(changed.group.organisationgrouppermission_set.values_list("permission__codename", flat=True))


def asked(
    demo_users, by: str, user: User, code: str = "caseworker", organisation: str = "NGO_A"
) -> AccessRequest:
    """Ask for a role."""
    given = Membership(user=user, role=role(code, organisation), starts_on=now().date())
    with acting_as(demo_users[by]):
        request = save_membership(membership=given, by=demo_users[by], now=now())
    assert isinstance(request, AccessRequest)
    return request


def decided(demo_users, by: str, request: AccessRequest, *, approves: bool = True) -> AccessRequest:
    with acting_as(demo_users[by]):
        return decide_access(request=request, approves=approves, by=demo_users[by], now=now())


def a_new_user(demo_users, by: str = FOCAL, code: str = "caseworker", name: str = "Asha") -> User:
    given = NewUser(first_name=name, last_name="Lama", email=f"{name}@example.org", language="en")
    with acting_as(demo_users[by]):
        return add_user(
            given=given, role=role(code), starts_on=now().date(), ends_on=None, by=demo_users[by], now=now()
        )


def names(request: AccessRequest) -> dict[str, str]:
    return {user.username: as_what for user, as_what in approvers_of(request)}
