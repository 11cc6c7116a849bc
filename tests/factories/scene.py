"""A scene: one case, everybody who is involved in it, and rows of every model about its beneficiary.

Each model has a factory: a function of a scene that makes rows as the users whose part it is, with a token in every
text that somebody types. It is registered with who reads, adds and changes the rows by the database alone. These
are names of demo users, written by hand: a level weakened in a model's `access_policy` changes Python's scope and the
policies together, and is found by this table. They hold for a case of the first NGO that is shared with IOM and
referred to the second NGO. All proofs over all models (tests/access, tests/database, tests/api) are made of it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

from django.db import models

from accounts.models import User
from beneficiaries.models import Beneficiary, Case
from core.context import acting_as
from core.encrypted_fields import EncryptedTextField
from tests.factories.access import DemoUsers
from tests.factories.draft import a_draft

TOKEN, NUMBER = "Kanari", "9841552609"
NOBODY: set[str] = set()
LEADS = {"ngo_a_caseworker", "ngo_a_supervisor"}
WRITES = LEADS | {"iom_supervisor"}
WORKS = WRITES | {"ngo_a_reader", "protection_supervisor", "protection_supervisor_2"}
DECIDES = {"ngo_a_supervisor", "iom_supervisor", "iom_approver", "iom_finance"}
REFERENCE = WORKS | DECIDES | {"programme_manager"}
RECEIVES = {"ngo_b_caseworker"}
# A version that no correction has, for copies of corrections.
LATER = {"version": 99}
# Texts that no user types: codes, and words of a programme. `refusal`: the scene's grant is approved.
NOT_TYPED = {"content_type", "file", "primary_group", "origin", "label_en", "label_ne", "field", "refusal"}


@dataclass(frozen=True)
class Factory:
    """Of one model: what makes its rows, who may read, add and change them, and how they are found.

    `of` leads from a row to the case, or to the beneficiary. `copy` are values with which a copy of a row passes the
    triggers, which run before the policies; `by` is the column in which they ask for the acting user.
    """

    make: Callable[["Scene"], Any]
    reads: set[str]
    adds: set[str]
    changes: set[str]
    of: str
    copy: dict[str, Any]
    by: str

    def key(self, case: Case) -> dict[str, Any]:
        """Return the lookup of this case's rows."""
        is_about_beneficiary = self is FACTORIES[Beneficiary] or "beneficiary" in self.of
        return {self.of: case.beneficiary_id if is_about_beneficiary else case.pk}


FACTORIES: dict[type[models.Model], Factory] = {}


def makes(model, *, reads, adds, changes, of="case", copy=None, by=""):
    """Register the decorated function as the factory of this model."""

    def register(make):
        FACTORIES[model] = Factory(make, reads, adds, changes, of, copy or {}, by)
        return make

    return register


def typed_fields(model) -> list[str]:
    """Return the texts that users type: no choice, no code, and nothing that is made from other fields."""
    kinds = (models.CharField, models.TextField, EncryptedTextField)
    return [
        field.name
        for field in model._meta.concrete_fields
        if isinstance(field, kinds) and field.editable and not field.choices and field.max_length != 2
        if field.name not in NOT_TYPED
    ]


class Scene:
    """A case led by the organisation of the user `lead`; `scene[Plan]` is its plan, made when first asked for.

    It is referred to each of the `receivers`; `shares` is what the beneficiary answers about sharing it with IOM, if
    she is asked. Every token begins with `word`; `number` is in each telephone and document number.
    """

    def __init__(
        self, lead="ngo_a_caseworker", *, receivers=("NGO_C",), shares=None, word=TOKEN, number=NUMBER
    ) -> None:
        self.lead, self.receivers, self.shares, self.word, self.number = lead, receivers, shares, word, number
        self.users = DemoUsers()
        self.code = self.users[lead].memberships.get().role.organisation.code
        self._made: dict[Callable, Any] = {}

    def __getitem__(self, model) -> Any:
        make = FACTORIES[model].make
        if make not in self._made:
            self._made[make] = make(self)
        return self._made[make]

    def whole(self, *without) -> "Scene":
        """Return the scene with rows of every model except `without`, and an unfinished interview."""
        for model in FACTORIES:
            if model not in without:
                self[model]
        with self.acting() as by:
            self.draft = a_draft(by, self.code, reason=self.token("draft"))
        return self

    @property
    def case(self) -> Case:
        """The case."""
        return self[Case]

    @contextmanager
    def acting(self, username: str = "") -> Iterator[User]:
        """Act as this user, or as the caseworker."""
        user = self.users[username or self.lead]
        with acting_as(user):
            yield user

    def token(self, name: str) -> str:
        """Return the token of a field."""
        return f"{self.word}{name.replace('_', '').title()}"

    def tokens(self, model, details) -> dict[str, str]:
        """Return a token for each typed text of the model that an operation takes in `details`, a dataclass."""
        taken = {field.name for field in fields(details)}
        return {name: self.token(name) for name in typed_fields(model) if name in taken}
