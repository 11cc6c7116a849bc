"""Who may do what with a row: access policies, made of conditions on a principal.

A condition is a function that takes a principal and returns a `Q` over the rows of its table. It is written once. With
a user's own principal (accounts/authority.py) it is the scope that Python asks for on every read; with a
`ContextPrincipal` Django compiles it to the row policy with which PostgreSQL asks again (core/policies.py).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import (
    BooleanField,
    Exists,
    Field,
    ForeignObject,
    Func,
    Lookup,
    OuterRef,
    Q,
    UUIDField,
    Value,
)
from django.utils.translation import gettext_lazy as _

NOTHING = Q(pk__in=[])
COMMANDS = ("read", "insert", "update", "delete")


class Confidentiality(models.TextChoices):
    """Who may read a row inside a case. Whoever may not doesn't get the row at all, not even a blank one."""

    NORMAL = "normal", _("Everyone who works on the case")
    RESTRICTED = "restricted", _("Users of the lead organisation who may read restricted notes")
    COUNSELLING = "counselling", _("Counsellors of the lead organisation")


@Field.register_lookup
@ForeignObject.register_lookup  # the search for a foreign key's lookups ends at this class
class AnyOf(Lookup):
    """`= ANY(array)`: the array is one parameter or an expression, while `IN` needs a placeholder for each value."""

    lookup_name = "any_of"
    prepare_rhs = False

    def get_db_prep_lookup(self, value: Any, connection: Any) -> tuple[str, Any]:
        """Pass the whole list as one parameter."""
        return "%s", [value]

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """Return the SQL and its parameters."""
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} = ANY({right})", [*left_params, *right_params]


class Principal(ABC):
    """For whom a condition is asked. `user_id` is a value or an SQL expression.

    The methods return conditions on a column, named as in a lookup. `column` of `in_projects` may be an `OuterRef`.
    """

    user_id: Any

    @abstractmethod
    def in_organisations(self, column: str, *permissions: str) -> Q:
        """Return the rows of organisations in which the principal has one of the permissions."""

    @abstractmethod
    def in_projects(self, column: Any, permission: str) -> Q:
        """Return the rows of the single projects on which the principal has the permission."""

    @abstractmethod
    def shares_projects(self, column: str, permission: str) -> Q:
        """Return the rows whose array of projects contains one on which the principal has the permission."""


class ContextPrincipal(Principal):
    """The user for whom the transaction acts: SQL functions that read its context (accounts/sql/010_enter.sql)."""

    user_id = Func(function="access.user_id", output_field=UUIDField())
    has_user = Q(Func(function="access.has_user", output_field=BooleanField()))
    audits = Q(
        Func(function="access.audits", template="(SELECT %(function)s())", output_field=BooleanField())
    )

    def in_organisations(self, column: str, *permissions: str) -> Q:
        """As a sub-select, which PostgreSQL evaluates once a statement."""
        once = "(SELECT %(function)s(%(expressions)s))::uuid[]"
        found = [_ids("access.organisations_with", permission, template=once) for permission in permissions]
        return reduce(or_, (Q(**{f"{column}__any_of": ids}) for ids in found))

    def in_projects(self, column: Any, permission: str) -> Q:
        """Without a sub-select: few users have single projects, and it would cost the others."""
        ids = _ids("access.projects_with", permission)
        return Q(**{f"{column}__any_of": ids}) if isinstance(column, str) else Q(AnyOf(column, ids))

    def shares_projects(self, column: str, permission: str) -> Q:
        """As `in_projects`."""
        return Q(**{f"{column}__overlap": _ids("access.projects_with", permission)})


def _ids(function: str, permission: str, **options: str) -> Func:
    return Func(Value(permission), function=function, output_field=ArrayField(UUIDField()), **options)


Condition = Callable[[Any], Q]  # of a Principal; conditions of inserts are asked of a ContextPrincipal alone


def points_to(model: type[models.Model], foreign_key: str, condition: Condition) -> Condition:
    """Return the condition that the row of `model` which the foreign key points to meets `condition`."""

    def points(principal: Any) -> Q:
        return Q(Exists(model._default_manager.filter(condition(principal), pk=OuterRef(foreign_key))))

    return points


@dataclass(frozen=True)
class AccessPolicy:
    """The policy of a table: for each command a condition, or None where nobody may do it through the application.

    `because` is the reason, printed in docs/who-sees-what.md under the heading.
    """

    heading: ClassVar[str] = "Rows that belong to an organisation or a person"

    read: Condition | None
    insert: Condition | None
    update: Condition | None
    delete: Condition | None
    because: str

    def condition(self, model: type[models.Model], command: str) -> Condition | None:
        """Return the condition of a command on this model's rows."""
        return getattr(self, command)

    def in_words(self, command: str) -> str:
        """Return who may use the command, for docs/who-sees-what.md."""
        return "–" if getattr(self, command) is None else "its own"


@dataclass(frozen=True)
class Open:
    """A table without row policies; `commands` are the SQL commands that the application may use on it."""

    commands: tuple[str, ...]
    because: str


class ScopedQuerySet(models.QuerySet):
    """The base of every queryset of a model with an `AccessPolicy`."""

    def visible_to(self, user):
        """Return the rows that the user may read."""
        return self._allowed(user, "read")

    def editable_by(self, user):
        """Return the rows that the user may change."""
        return self._allowed(user, "update")

    def _allowed(self, user, command: str):
        condition = self.model.access_policy.condition(self.model, command)  # type: ignore[attr-defined]
        principal = getattr(user, "principal", None)  # who isn't signed in has none
        if condition is None or principal is None:
            return self.none()
        return self.filter(condition(principal))
