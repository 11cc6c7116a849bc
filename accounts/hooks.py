"""Hooks: what higher apps do within actions of this app, in the same transaction. They register them in `apps.py`.

`user_leaving`: the kinds of open work that a user may leave behind, by code. `organisation_deactivating`: called with
`organisation=`, `by=` and `now=` before an organisation is deactivated; they raise ValidationError to refuse.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from accounts.choices import Permission
from accounts.models import User

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class OpenWork:
    """One kind of open work of a user in an organisation.

    `permission` is needed to do it, and so to take it over. `count(user, organisation_id)` returns how much of it there
    is. `hand_over(user=, organisation_id=, to=, by=, now=)` gives all of it to another user.
    """

    label: "StrOrPromise"
    permission: Permission
    count: Callable[[User, UUID], int]
    hand_over: Callable[..., None]


user_leaving: dict[str, OpenWork] = {}
organisation_deactivating: list[Callable[..., None]] = []
