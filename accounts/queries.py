"""What a person may do, asked once a request and kept on the user object."""

import hashlib
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from accounts.choices import OrganisationKind, Permission
from accounts.models import ApiToken, Membership, Organisation, User


@dataclass(frozen=True)
class Authority:
    """Organisations by permission, for one person at one moment."""

    held: dict[str, frozenset[UUID]]

    def where(self, *permissions: str) -> frozenset[UUID]:
        """Organisations in which the person holds at least one of these permissions."""
        return frozenset().union(*(self.held.get(permission, frozenset()) for permission in permissions))

    def may(self, permission: str, organisation_id: UUID | None = None) -> bool:
        """Whether the person holds it, in this organisation or, where none is named, in any."""
        organisations = self.held.get(permission, frozenset())
        return bool(organisations) if organisation_id is None else organisation_id in organisations


def authority_of(user) -> Authority:
    """One query joins live memberships to the groups' object permissions; nobody holds nothing."""
    if not user.is_authenticated or not user.is_active:
        return Authority({})
    if not hasattr(user, "_authority"):
        rows = (
            Membership.objects.live(timezone.localdate())
            .filter(user=user, role__organisation__is_active=True)
            .filter(role__group__organisationgrouppermission__content_object=F("role__organisation"))
            .values_list(
                "role__organisation_id", "role__group__organisationgrouppermission__permission__codename"
            )
        )
        held: dict[str, set[UUID]] = {}
        for organisation_id, codename in rows:
            held.setdefault(codename, set()).add(organisation_id)
        user._authority = Authority({name: frozenset(ids) for name, ids in held.items()})
    return user._authority


def organisations_of(user, permission: str = ""):
    """Organisations in which the person has a live role, or holds the permission."""
    if permission:
        return Organisation.objects.filter(pk__in=authority_of(user).where(permission))
    live = Membership.objects.live(timezone.localdate()).filter(user=user)
    return Organisation.objects.filter(roles__memberships__in=live, is_active=True).distinct()


def holders(permission: Permission, organisation_id: UUID):
    """Active people who hold the permission in the organisation now, whoever asks."""
    live = Membership.objects.live(timezone.localdate()).filter(
        role__organisation_id=organisation_id,
        role__group__organisationgrouppermission__content_object_id=organisation_id,
        role__group__organisationgrouppermission__permission__codename=permission,
    )
    return User.objects.filter(memberships__in=live, is_active=True).distinct().order_by("username")


def may_configure(user) -> bool:
    """Whether the person configures the system: an administrator of IOM, never of a partner."""
    held = authority_of(user).where(Permission.CONFIGURE)
    return Organisation.objects.filter(pk__in=held, kind=OrganisationKind.IOM).exists()


def token_digest(text: str) -> str:
    """What is kept of a token. Plain SHA-256: a token is 256 random bits, which nobody guesses."""
    return hashlib.sha256(text.encode()).hexdigest()


def live_token(text: str, *, on: date) -> ApiToken | None:
    """The token with this text and its person, if it opens anything on this day."""
    return ApiToken.objects.live(on).select_related("user").filter(digest=token_digest(text)).first()
