"""What a user may do now: the principal whose scope Python asks for."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from accounts.choices import OrganisationKind, Permission
from core.access import NOTHING, AnyOf, Principal


@dataclass(frozen=True)
class Authority(Principal):
    """One user's organisations by permission, their single projects, and the organisations that they work for."""

    by_permission: dict[str, frozenset[UUID]]
    user_id: UUID | None = None
    names: tuple[tuple[str, str], ...] = ()  # English and Nepali; organisations without any permission too
    offices: frozenset[UUID] = frozenset()  # of IOM, where permissions over the whole site count
    projects: frozenset[tuple[str, UUID]] = frozenset()  # permissions on single projects

    def where(self, *permissions: str) -> frozenset[UUID]:
        """Return the organisations in which the user has at least one of these permissions."""
        return frozenset().union(*(self.by_permission.get(name, frozenset()) for name in permissions))

    def may(self, permission: str, organisation_id: UUID | None = None) -> bool:
        """Return whether the user has the permission in this organisation, or in any if None."""
        organisations = self.by_permission.get(permission, frozenset())
        return bool(organisations) if organisation_id is None else organisation_id in organisations

    def projects_with(self, permission: str) -> frozenset[UUID]:
        """Return the single projects on which the user has the permission."""
        return frozenset(project for name, project in self.projects if name == permission)

    @property
    def reads_summaries(self) -> bool:
        """Whether the user has summary access to an organisation or to single programmes."""
        return bool(self.projects_with(Permission.READ_SUMMARIES)) or self.may(Permission.READ_SUMMARIES)

    @property
    def audits(self) -> Q:
        """Everything for an auditor of IOM, else nothing."""
        return Q() if self.where(Permission.READ_AUDIT) & self.offices else NOTHING

    def in_organisations(self, column: str, *permissions: str) -> Q:
        """As `Principal` says, with the ids themselves."""
        return Q(**{f"{column}__in": self.where(*permissions)})

    def in_projects(self, column: Any, permission: str) -> Q:
        """As `Principal` says, with the ids themselves."""
        projects = self.projects_with(permission)
        if not projects:
            return NOTHING
        return (
            Q(**{f"{column}__in": projects})
            if isinstance(column, str)
            else Q(AnyOf(column, sorted(projects)))
        )

    def shares_projects(self, column: str, permission: str) -> Q:
        """As `Principal` says, with the ids themselves."""
        projects = self.projects_with(permission)
        return Q(**{f"{column}__overlap": sorted(projects)}) if projects else NOTHING


def authority_of(user) -> Authority:
    """Return what a user may do now, kept on the user object; nothing for an inactive user.

    Entering a context has read it already (core/context.py); for another user it takes one query.
    """
    if not user.is_authenticated or not user.is_active:
        return Authority({})
    if not hasattr(user, "_authority"):
        user._authority = _authority_from(user.pk, getattr(user, "granted", None) or _granted_to(user.pk))
    return user._authority


def _granted_to(user_id: UUID) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT access.granted_to(%s)", [user_id])
        return cursor.fetchone()[0]


def _authority_from(user_id: UUID, granted_json: str) -> Authority:
    granted = json.loads(granted_json)
    organisations = [(UUID(found["id"]), found) for found in granted["organisations"]]
    by_permission: dict[str, set[UUID]] = {}
    for organisation_id, found in organisations:
        for permission in found["permissions"]:
            by_permission.setdefault(permission, set()).add(organisation_id)
    return Authority(
        {name: frozenset(ids) for name, ids in by_permission.items()},
        user_id,
        tuple((found["name_en"], found["name_ne"]) for _id, found in organisations),
        frozenset(row_id for row_id, found in organisations if found["kind"] == OrganisationKind.IOM),
        frozenset((found["permission"], UUID(found["id"])) for found in granted["projects"]),
    )
