"""The audit log, for auditors; empty for others. Events contain no personal values."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.queries import audit_events
from api.serializers import DayField, PageQuery, RowSerializer
from api.views.base import Resource
from core import audit
from core.clock import now
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


class AuditEventViews(Resource):
    """Audit events: who did what, to which case, and when. Reading them is an event too."""

    path, noun, lookup_url_kwarg = "audit-events", "audit-event", "event_id"
    serializer_class = AuditEventSerializer
    query_class = LogQuery
    ordering = ("-at", "id")

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return all events for an auditor, and none for others."""
        return audit_events(user)

    def list(self, request: Request) -> Response:
        """List events page by page, without a total."""
        answer = super().list(request)
        filters = sorted(name for name in request.query_params if name not in ("cursor", "page_size"))
        detail = {"filters": filters} if filters else {}
        audit.record(by=request.user, verb="log read", now=now(), detail=detail)
        return answer

    def retrieve(self, request: Request, **keys: Any) -> Response:
        """Show one event."""
        answer = super().retrieve(request, **keys)
        audit.record(by=request.user, verb="log read", now=now(), detail={"count": 1})
        return answer
