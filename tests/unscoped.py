"""Python's half of the access policies taken away: what still holds is the database's.

Found by walking, so that a new queryset or a new way to scope is taken away as well: every method of a
`ScopedQuerySet` that asks for a `user`, and the conditions that they are made of, wherever imported.
"""

import gc
import inspect
import sys
from collections.abc import Iterator

from django.db.models import Q

from beneficiaries.models import access
from core import policies
from core.models import AuditEvent, DenialCount, IdempotencyKey
from core.scoping import AccessPolicy, ScopedQuerySet, TablePolicy
from core.statements import Select


def scoped_querysets(kind: type = ScopedQuerySet) -> Iterator[type]:
    """The class of every queryset that is scoped, whoever it inherits from."""
    yield kind
    for below in kind.__subclasses__():
        yield from scoped_querysets(below)


def scopes() -> list[tuple[type, str]]:
    """(queryset, method) of everything that narrows rows to what a person may see or change."""
    return [
        (kind, name)
        for kind in scoped_querysets()
        for name, method in vars(kind).items()
        if inspect.isfunction(method) and "user" in inspect.signature(method).parameters
    ]


def switch_off(monkeypatch) -> None:
    """Let every scope return everything; `of` keeps to its case, which is no question of who asks."""
    for kind, name in scopes():
        monkeypatch.setattr(kind, name, _of_case if name == "of" else _everything)
    conditions = {
        access.access_rows_for: _anybody,
        access.access_rows: _whoever,
        access.reads_confidential: _anybody,
        access.following: _anybody,
    }
    for condition, instead in conditions.items():
        for module in list(sys.modules.values()):
            if getattr(module, condition.__name__, None) is condition:
                monkeypatch.setattr(module, condition.__name__, instead)
    for kept in [one for one in gc.get_objects() if type(one) is Select]:
        monkeypatch.setattr(kept, "_written", None)  # a statement with the scope in it is written anew


def _anybody(*given, **named) -> Q:
    return Q()


def _whoever(user_id, level, *, full: Q, figures: Q) -> Q:
    """True of every row, with a place for each value, as a statement that is written once asks for."""
    return Q(pk__isnull=False) | Q(user=user_id) | full


def _everything(self, *given, **named):
    return self.all()


def _of_case(self, case, user, *, order=(), without=()):
    return list(self.filter(case=case).order_by(*(order or self.model._meta.ordering)).defer(*without))


def digest(owner) -> dict[str, str]:
    """For each protected table a digest of all its rows, read as the owner; what is only ever added to is left out."""
    owner.execute(
        " UNION ALL ".join(
            f"SELECT '{table}', md5(coalesce(string_agg(t::text, '' ORDER BY t::text), '')) FROM {table} t"
            for table in protected_tables()
        )
    )
    return dict(owner.fetchall())


def protected_tables() -> list[str]:
    """Tables under the access policies, but for the record of what happened, its count of refusals, and the keys of
    forms.
    """
    return sorted(
        model._meta.db_table
        for model in policies.own_models()
        if isinstance(policies.policy_of(model), AccessPolicy | TablePolicy)
        and model not in (AuditEvent, DenialCount, IdempotencyKey)
    )
