"""Writing to the record of what happened, and what of it may be shown."""

from typing import Any
from uuid import UUID

from django.urls import Resolver404, resolve
from django.utils import timezone

from core.models import AuditEvent


def record(
    *, by, verb: str, obj=None, case_id: UUID | None = None, detail: dict | None = None, now=None
) -> None:
    """Add one event. `detail` holds names of fields and figures, never a person's own values."""
    AuditEvent.objects.create(
        at=now or timezone.now(),
        actor_id=by.pk if by is not None else None,
        verb=verb,
        object_type=obj._meta.label if obj is not None else "",
        object_id=obj.pk if obj is not None else None,
        case_id=case_id,
        detail=detail or {},
    )


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


def told(detail: dict[str, Any]) -> dict[str, Any]:
    """What of an event's detail may be shown: no value of a person's own.

    An address is told by its shape, as what somebody typed into it may be a name; `user` is a key.
    """
    found = {name: value for name, value in detail.items() if name in SHOWN}
    if "path" in detail:
        found["path"] = _shape(str(detail["path"]))
    if "user" in detail:
        found["user"] = UUID(str(detail["user"]))
    return found


def _shape(path: str) -> str:
    try:
        return resolve(path).route
    except Resolver404:
        return "–"
