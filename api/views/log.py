"""The audit log, for auditors; empty for others."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.queries import audit_events
from api.serializers.log import AuditEventSerializer, LogQuery
from api.views.base import Resource
from core import audit
from core.clock import now


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
