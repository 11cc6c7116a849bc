"""Documents of cases, without the files."""

from typing import Any

from django.db.models import QuerySet

from api.serializers import ByCaseQuery, RowSerializer, UserSerializer
from api.views.base import Resource
from beneficiaries.models import Document


class DocumentSerializer(RowSerializer):
    """A document without its file, which only the pages send. `size` in bytes."""

    by = UserSerializer(read_only=True)

    class Meta:
        model = Document
        fields = [
            "id",
            "case",
            "kind",
            "confidentiality",
            "title",
            "state",
            "content_type",
            "size",
            "by",
            "at",
        ]
        read_only_fields = fields


class DocumentViews(Resource):
    """Documents of cases, without the files."""

    path, noun, lookup_url_kwarg = "documents", "document", "document_id"
    serializer_class = DocumentSerializer
    query_class = ByCaseQuery
    ordering = ("-at", "id")

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return documents that the user may read."""
        return Document.objects.visible_to(user).select_related("by")
