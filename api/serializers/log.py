"""Audit events, without personal values."""

from typing import Any

from rest_framework import serializers

from api.serializers.base import DayField, PageQuery, RowSerializer
from core import audit
from core.models import AuditEvent


class AuditEventSerializer(RowSerializer):
    """An audit event. `detail` contains numbers, codes and names of fields; of a URL only its pattern."""

    actor = serializers.UUIDField(source="actor_id", read_only=True, allow_null=True)
    case = serializers.UUIDField(source="case_id", read_only=True, allow_null=True)
    detail = serializers.SerializerMethodField()

    class Meta:
        model = AuditEvent
        fields = ["id", "at", "actor", "verb", "object_type", "object_id", "case", "detail"]
        read_only_fields = fields

    def get_detail(self, event: AuditEvent) -> dict[str, Any]:
        """Return the details that may be shown."""
        return audit.shown_detail(event.detail)


class LogQuery(PageQuery):
    """Filters of the audit log."""

    verb = serializers.CharField(required=False, max_length=60)
    actor = serializers.UUIDField(required=False, source="actor_id")
    case = serializers.UUIDField(required=False, source="case_id")
    from_day = DayField(required=False, source="at__date__gte", help_text="On this day or later.")
    to_day = DayField(required=False, source="at__date__lte", help_text="On this day or before.")
