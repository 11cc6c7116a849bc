"""Writing to the record of what happened."""

from uuid import UUID

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
