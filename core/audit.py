"""Writing to the record of what happened, and what of it may be shown.

What rows said before and after is gathered as they are saved (core/apps.py connects `noting` and `noted`), and goes
into the next event of the same transaction, encrypted with the keys of those whom it is about.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID, uuid4

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models, transaction
from django.utils import timezone

from core import data_keys, encryption
from core.logs import route_of
from core.models import EVERY_COLUMN, AuditEvent

LENGTH_BYTES = 4


def record(
    *, by, verb: str, obj=None, case_id: UUID | None = None, detail: dict | None = None, now=None
) -> None:
    """Add one event. `detail` holds names of fields and figures, never a person's own values.

    The database takes neither another's name nor a time from the application: the event carries whom the transaction
    stands for, and the clock. `by` and `now` count where the owner loads.
    """
    _write(
        by=by,
        verb=verb,
        object_type=obj._meta.label if obj is not None else "",
        object_id=obj.pk if obj is not None else None,
        case_id=case_id,
        detail=detail or {},
        at=now or timezone.now(),
        changes=pending(),
    )


def read(request, *, verb: str, obj=None, case_id: UUID | None = None, detail: dict | None = None) -> None:
    """Add that somebody is shown this page. In the page's own transaction: what can't be recorded isn't shown.

    A form that was sent shows the page only where it is drawn again, which `record_shown` knows.
    """
    shown = {"page": request.resolver_match.view_name} | (detail or {})
    event = {"by": request.user, "verb": verb, "obj": obj, "case_id": case_id, "detail": shown}
    request.readings = [*getattr(request, "readings", []), event]
    if request.method in ("GET", "HEAD"):
        record(**event)


def is_read(request) -> bool:
    """Whether `read` was called for this page."""
    return hasattr(request, "readings")


def record_shown(request) -> None:
    """Add what `read` kept back: a form that was sent is drawn again, with the page around it."""
    if request.method not in ("GET", "HEAD"):
        for event in getattr(request, "readings", []):
            record(**event)


def _write(*, by, changes: "list[Change]", **fields: Any) -> None:
    key = uuid4()
    AuditEvent.objects.create(
        id=key,
        actor_id=by.pk if by is not None else None,
        encrypted_changes=_encrypted(changes, key),
        **fields,
    )
    for change in changes:
        change.is_recorded = True


def record_remaining(*, by) -> None:
    """What was changed since the last event and before the end, so that nothing is changed without a record."""
    if pending():
        record(by=by, verb="changed")


class Change:
    """One row as it was and as it became; only what differs. `subject` is whose key encrypts it."""

    def __init__(self, row: models.Model, before: dict[str, Any], after: dict[str, Any]) -> None:
        self.label, self.key, self.before, self.after = row._meta.label, row.pk, before, after
        self.subject: UUID | None = getattr(row, "data_key_subject", None)
        self.is_recorded = False

    def __call__(self) -> None:
        """Called when the transaction has ended: by then an event holds it, or it gets one of its own."""
        if not self.is_recorded:
            record_single(self)

    def as_dict(self) -> dict[str, Any]:
        return {"object": self.label, "id": self.key, "before": self.before, "after": self.after}


def record_single(change: Change) -> None:
    with transaction.atomic():
        _write(by=None, verb="changed", at=timezone.now(), changes=[change])


def pending() -> list[Change]:
    """Changes of this transaction that no event holds yet. Those of a savepoint that was undone are gone with it."""
    calls = (entry[1] for entry in connection.run_on_commit)
    return [call for call in calls if isinstance(call, Change) and not call.is_recorded]


def _note(row: models.Model, before: dict[str, Any], after: dict[str, Any]) -> None:
    if before or after:
        transaction.on_commit(Change(row, before, after))


def _fields(model: type[models.Model], chosen: Iterable[str] | None = None) -> Iterator[models.Field]:
    """Columns whose values go on record: all but the key and what the model keeps out of it."""
    kept_out = getattr(model, "never_recorded", ())
    for field in model._meta.concrete_fields:
        names = {field.name, field.attname}
        if field.primary_key or names & set(kept_out) or (chosen is not None and not names & set(chosen)):
            continue
        yield field


def _is_kept(model: type[models.Model]) -> bool:
    return (
        getattr(model, "access_policy", None) is not None
        and getattr(model, "never_recorded", ()) != EVERY_COLUMN
    )


def noting(sender, instance, raw, using, update_fields, **kwargs: object) -> None:
    """Before a row is saved: what it says in the database."""
    if not _is_kept(sender) or raw or instance._state.adding:
        return
    former = sender._base_manager.using(using).filter(pk=instance.pk).first()
    instance._former = former and {
        field.attname: getattr(former, field.attname) for field in _fields(sender, update_fields)
    }


def noted(sender, instance, created, raw, update_fields, **kwargs: object) -> None:
    """After a row was saved: what differs, or all that it says where it is new."""
    if not _is_kept(sender) or raw:
        return
    former = instance.__dict__.pop("_former", None) or {}
    after, before = {}, {}
    for field in _fields(sender, None if created else update_fields):
        value = getattr(instance, field.attname)
        if created and value not in (None, "", [], {}):
            after[field.attname] = value
        elif not created and former.get(field.attname) != value:
            before[field.attname], after[field.attname] = former.get(field.attname), value
    _note(instance, before, after)


def removed(sender, instance, **kwargs: object) -> None:
    """Before a row is removed: what it said."""
    if _is_kept(sender):
        _note(instance, {field.attname: getattr(instance, field.attname) for field in _fields(sender)}, {})


def update_and_record(rows: models.QuerySet, **values: Any) -> int:
    """`rows.update(…)`, on record: an update in one statement tells nobody what was there before."""
    for row in rows.select_for_update():
        before = {name: getattr(row, name) for name in values}
        _note(row, before, dict(values))
    return rows.update(**values)


def _encrypted(changes: list[Change], event: UUID) -> bytes | None:
    """Changes by whom they are about, each part encrypted with that key, its length in front."""
    by_subject: dict[UUID | None, list[dict[str, Any]]] = {}
    for change in changes:
        by_subject.setdefault(change.subject, []).append(change.as_dict())
    parts = []
    for subject, told in by_subject.items():
        plain = json.dumps(told, cls=DjangoJSONEncoder, ensure_ascii=False).encode()
        bound = f"event {event}"
        part = (
            data_keys.encrypt_for(subject, plain, bound_to=bound)
            if subject
            else encryption.encrypt(plain, bound_to=bound)
        )
        parts.append(len(part).to_bytes(LENGTH_BYTES, "big") + part)
    return b"".join(parts) or None


def changes_in(event: AuditEvent) -> list[dict[str, Any]]:
    """What rows said before and after. What is about somebody whose key was destroyed isn't there any more."""
    found: list[dict[str, Any]] = []
    rest = bytes(event.encrypted_changes or b"")
    while rest:
        size = int.from_bytes(rest[:LENGTH_BYTES], "big")
        part, rest = rest[LENGTH_BYTES : LENGTH_BYTES + size], rest[LENGTH_BYTES + size :]
        bound = f"event {event.pk}"
        is_of_site = part[:1] == encryption.VERSION
        plain = (
            encryption.decrypt(part, bound_to=bound)
            if is_of_site
            else data_keys.decrypt_for(part, bound_to=bound)
        )
        found += json.loads(plain) if plain else []
    return found


# Details whose values the log shows: figures, codes and names of fields. Of another only its writer knows.
SHOWN = frozenset(
    {
        "code",
        "confidentiality",
        "count",
        "decision",
        "filters",
        "format",
        "from",
        "given",
        "method",
        "new",
        "of",
    }
    | {
        "organisation",
        "outcome",
        "page",
        "permissions",
        "programmes",
        "project",
        "purpose",
        "receiver",
        "refused",
        "role",
        "rows",
    }
    | {"status", "version"}
)


def shown_detail(detail: dict[str, Any]) -> dict[str, Any]:
    """What of an event's detail may be shown: no value of a person's own.

    An address is told by its shape, as what somebody typed into it may be a name; `user` is a key.
    """
    found = {name: value for name, value in detail.items() if name in SHOWN}
    if "path" in detail:
        found["path"] = route_of(str(detail["path"]))
    if "user" in detail:
        found["user"] = UUID(str(detail["user"]))
    return found
