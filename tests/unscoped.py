"""Switch off Python's scope, so that only the database's policies limit what is found.

Every method of a `ScopedQuerySet` with a `user` parameter is found and replaced, and so are the conditions
that they are made of, wherever imported: a new queryset or scope is switched off as well.
"""

import gc
import inspect
import sys
from collections.abc import Iterator

from django.db.models import Q

from beneficiaries.models import access
from core import policies
from core.access import AccessPolicy, ScopedQuerySet
from core.models import AuditEvent, DenialCount, IdempotencyKey
from core.statements import Select


def scoped_querysets(kind: type = ScopedQuerySet) -> Iterator[type]:
    """Yield every scoped queryset class."""
    yield kind
    for below in kind.__subclasses__():
        yield from scoped_querysets(below)


def scopes() -> list[tuple[type, str]]:
    """Return (queryset, method) of everything that narrows rows to what a user may see or change."""
    return [
        (kind, name)
        for kind in scoped_querysets()
        for name, method in vars(kind).items()
        if inspect.isfunction(method) and "user" in inspect.signature(method).parameters
    ]


def switch_off(monkeypatch) -> None:
    """Let every scope return everything; `of` still filters by its case, which doesn't depend on the user."""
    for kind, name in scopes():
        monkeypatch.setattr(kind, name, _of_case if name == "of" else _everything)
    for module in list(sys.modules.values()):
        if getattr(module, "access_rows", None) is access.access_rows:
            monkeypatch.setattr(module, "access_rows", _every_row)
    for statement in [one for one in gc.get_objects() if type(one) is Select]:
        monkeypatch.setattr(
            statement, "_compiled", None
        )  # so that its SQL is compiled again, without the scope


def _every_row(principal, level, **named) -> Q:
    """True for every row, with a placeholder for each value, as a cached statement needs."""
    return Q(pk__isnull=False) | Q(user=principal.user_id) | principal.in_organisations("organisation", "any")


def _everything(self, *given, **named):
    return self.all()


def _of_case(self, case, user, *, order=(), without=()):
    return list(self.filter(case=case).order_by(*(order or self.model._meta.ordering)).defer(*without))


def digest(owner) -> dict[str, str]:
    """Return for each protected table a digest of all its rows, read as the owner; append-only tables are
    left out.
    """
    owner.execute(
        " UNION ALL ".join(
            f"SELECT '{table}', md5(coalesce(string_agg(t::text, '' ORDER BY t::text), '')) FROM {table} t"
            for table in protected_tables()
        )
    )
    return dict(owner.fetchall())


def protected_tables() -> list[str]:
    """Return the tables under access policies, except audit log, denial counts and idempotency keys."""
    return sorted(
        model._meta.db_table
        for model in policies.own_models()
        if isinstance(policies.policy_of(model), AccessPolicy)
        and model not in (AuditEvent, DenialCount, IdempotencyKey)
    )
