"""Writing audit events, and choosing which of their details may be shown.

Former and new values are collected by signal handlers as rows are saved (`remember_former_values`, `record_saved` and
`record_deleted`, connected in core/apps.py). The next event of the same transaction stores them, encrypted with the
data keys of the beneficiaries or cases that they are about.
"""

import json
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core import data_keys, encryption
from core.logs import route_of
from core.models import EVERY_COLUMN, AuditEvent

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

LENGTH_BYTES = 4


@cache
def event_texts() -> dict[str, "StrOrPromise"]:
    """Return the text of each event by its verb, from the models' `audit_events`."""
    return {
        verb: text for model in apps.get_models() for verb, text in getattr(model, "audit_events", {}).items()
    }


def record(
    *, by, verb: str, obj=None, case_id: UUID | None = None, detail: dict | None = None, now=None
) -> None:
    """Add one event. `detail` holds field names, codes and numbers, never a person's own values.

    The database sets actor and time itself, from the transaction's user and its clock. `by` and `now` are stored only
    when the owner's role loads data.
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
    """Add an event that the user reads this page, in the request's transaction: what can't be recorded isn't shown.

    After a POST the event waits for `record_shown`, as the page is shown only if the form is rendered again.
    """
    shown = {"page": request.resolver_match.view_name} | (detail or {})
    event = {"by": request.user, "verb": verb, "obj": obj, "case_id": case_id, "detail": shown}
    request.readings = [*getattr(request, "readings", []), event]
    if request.method in ("GET", "HEAD"):
        record(**event)


def is_read(request) -> bool:
    """Return whether `read` was called for this request."""
    return hasattr(request, "readings")


def record_shown(request) -> None:
    """Add the events that `read` held back: a form that was sent is rendered again, with the page around it."""
    if request.method not in ("GET", "HEAD"):
        for event in getattr(request, "readings", []):
            record(**event)


def _write(*, by, changes: "list[Change]", **fields: Any) -> None:
    event_id = uuid4()
    AuditEvent.objects.create(
        id=event_id,
        actor_id=by.pk if by is not None else None,
        encrypted_changes=_encrypted(changes, event_id),
        **fields,
    )
    for change in changes:
        change.is_recorded = True


def record_remaining(*, by) -> None:
    """Add an event for the changes since the last event, at the end of a transaction: no change goes unrecorded."""
    if pending():
        record(by=by, verb="changed")


class Change:
    """The values of one row that changed, before and after.

    `subject` is the id of the data key that encrypts them; None for the site's own key. Registered with `on_commit`,
    so the changes of a savepoint that is rolled back are dropped with it.
    """

    def __init__(self, row: models.Model, before: dict[str, Any], after: dict[str, Any]) -> None:
        self.label, self.row_id, self.before, self.after = row._meta.label, row.pk, before, after
        self.subject: UUID | None = getattr(row, "data_key_subject", None)
        self.is_recorded = False

    def __call__(self) -> None:
        """Add an event of its own after the commit, if no event of the transaction stored the change."""
        if not self.is_recorded:
            record_single(self)

    def as_dict(self) -> dict[str, Any]:
        """Return the change as the event stores it."""
        return {"object": self.label, "id": self.row_id, "before": self.before, "after": self.after}


def record_single(change: Change) -> None:
    """Add an event for one change, in a transaction of its own."""
    with transaction.atomic():
        _write(by=None, verb="changed", at=timezone.now(), changes=[change])


def pending() -> list[Change]:
    """Return this transaction's changes that no event has stored yet, without those of savepoints rolled back."""
    calls = (entry[1] for entry in connection.run_on_commit)
    return [call for call in calls if isinstance(call, Change) and not call.is_recorded]


def _note(row: models.Model, before: dict[str, Any], after: dict[str, Any]) -> None:
    if before or after:
        transaction.on_commit(Change(row, before, after))


def _fields(model: type[models.Model], chosen: Iterable[str] | None = None) -> Iterator[models.Field]:
    """Yield the columns whose values are logged: all but the primary key and the model's `never_recorded`."""
    excluded = getattr(model, "never_recorded", ())
    for field in model._meta.concrete_fields:
        names = {field.name, field.attname}
        if field.primary_key or names & set(excluded) or (chosen is not None and not names & set(chosen)):
            continue
        yield field


def _is_recorded(model: type[models.Model]) -> bool:
    return (
        getattr(model, "access_policy", None) is not None
        and getattr(model, "never_recorded", ()) != EVERY_COLUMN
    )


def remember_former_values(sender, instance, raw, using, update_fields, **kwargs: object) -> None:
    """Read a row's values from the database before it is saved (`pre_save`)."""
    if not _is_recorded(sender) or raw or instance._state.adding:
        return
    former = sender._base_manager.using(using).filter(pk=instance.pk).first()
    instance._former = former and {
        field.attname: getattr(former, field.attname) for field in _fields(sender, update_fields)
    }


def record_saved(sender, instance, created, raw, update_fields, **kwargs: object) -> None:
    """Note what changed in a saved row (`post_save`): the values that differ, or all values of a new row."""
    if not _is_recorded(sender) or raw:
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


def record_deleted(sender, instance, **kwargs: object) -> None:
    """Note the values of a row before it is deleted (`pre_delete`)."""
    if _is_recorded(sender):
        _note(instance, {field.attname: getattr(instance, field.attname) for field in _fields(sender)}, {})


def update_and_record(rows: models.QuerySet, **values: Any) -> int:
    """Run `rows.update(…)` and note the former values: `update` sends no signals. Returns the number of rows."""
    for row in rows.select_for_update():
        before = {name: getattr(row, name) for name in values}
        _note(row, before, dict(values))
    return rows.update(**values)


def _encrypted(changes: list[Change], event_id: UUID) -> bytes | None:
    """Return the changes grouped by subject, each group encrypted with the subject's key and prefixed by its length."""
    by_subject: dict[UUID | None, list[dict[str, Any]]] = {}
    for change in changes:
        by_subject.setdefault(change.subject, []).append(change.as_dict())
    parts = []
    for subject, entries in by_subject.items():
        plain = json.dumps(entries, cls=DjangoJSONEncoder, ensure_ascii=False).encode()
        bound = f"event {event_id}"
        part = (
            data_keys.encrypt_for(subject, plain, bound_to=bound)
            if subject
            else encryption.encrypt(plain, bound_to=bound)
        )
        parts.append(len(part).to_bytes(LENGTH_BYTES, "big") + part)
    return b"".join(parts) or None


def changes_in(event: AuditEvent) -> list[dict[str, Any]]:
    """Return the changes that the event stores, without those whose data key was destroyed."""
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


# Details whose values the log shows: numbers, codes and field names. Any other detail may hold personal data.
SHOWN: dict[str, "StrOrPromise"] = {
    "code": _("code"),
    "confidentiality": _("confidentiality"),
    "count": _("how many"),
    "decision": _("decision"),
    "fields": _("fields"),
    "filters": _("filters"),
    "format": _("format"),
    "from": _("from"),
    "given": _("agreed"),
    "method": _("method"),
    "new": _("new"),
    "of": _("of"),
    "organisation": _("organisation"),
    "page": _("page"),
    "outcome": _("outcome"),
    "path": _("address"),
    "permissions": _("may now do"),
    "programmes": _("now sees the amounts of"),
    "project": _("programme"),
    "purpose": _("purpose"),
    "receiver": _("receiver"),
    "refused": _("refused"),
    "role": _("role"),
    "rows": _("rows"),
    "status": _("answer"),
    "user": _("user"),
    "version": _("version"),
}


def shown_detail(detail: Any) -> dict[str, Any]:
    """Return the part of an event's detail that may be shown: no personal data.

    A URL path is shown as its route, as the path itself may contain a name; `user` becomes a UUID, or None if it isn't
    one. The database takes a detail of another form only from its owner; nothing of it is shown.
    """
    if not isinstance(detail, dict):
        return {}
    found = {name: value for name, value in detail.items() if name in SHOWN}
    if "path" in detail:
        found["path"] = route_of(str(detail["path"]))
    if "user" in detail:
        found["user"] = _key(detail["user"])
    return found


def _key(value: Any) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None
