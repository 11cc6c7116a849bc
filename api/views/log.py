"""The log, for the auditor's programs; everybody else finds it empty."""

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
    """What happened: who did it, to which case, and when. Reading it is an event as well."""

    path, noun, lookup_url_kwarg = "audit-events", "audit-event", "event_id"
    serializer_class = AuditEventSerializer
    query_class = LogQuery
    ordering = ("-at", "id")

    @staticmethod
    def rows(user: Any) -> QuerySet:
        return audit_events(user)

    def list(self, request: Request) -> Response:
        """Rows that one sees, page by page. No total is told."""
        answer = super().list(request)
        filters = sorted(name for name in request.query_params if name not in ("cursor", "page_size"))
        detail = {"filters": filters} if filters else {}
        audit.record(by=request.user, verb="log read", now=now(), detail=detail)
        return answer

    def retrieve(self, request: Request, **keys: Any) -> Response:
        """One row."""
        answer = super().retrieve(request, **keys)
        audit.record(by=request.user, verb="log read", now=now(), detail={"count": 1})
        return answer
