"""Identity documents of beneficiaries."""

from dataclasses import asdict
from typing import Any

from django.db.models import Model, QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.serializers import (
    CorrectionInput,
    DayField,
    InputSerializer,
    PageQuery,
    PlaceCode,
    RowSerializer,
    StrictBooleanField,
    UserSerializer,
    VisibleRowField,
    recorded,
)
from api.views.base import WrittenResource
from beneficiaries import identity
from beneficiaries.choices import IdentityKind, IdentityState
from beneficiaries.identity import LONGEST_NUMBER
from beneficiaries.models import Beneficiary, IdentityDocument
from beneficiaries.operations.identity import IdentityDetails, record_identity_document
from core.clock import now
from geography.models import District


class IdentityDocumentSerializer(RowSerializer):
    """What is known about one kind of identity document of a beneficiary."""

    issued_district: Any = serializers.SlugRelatedField("code", read_only=True, allow_null=True)
    recorded_by = UserSerializer(read_only=True)

    class Meta:
        model = IdentityDocument
        fields = [
            "id",
            "beneficiary",
            "kind",
            *recorded(IdentityDocument),
            "version",
            "recorded_by",
            "recorded_at",
        ]
        read_only_fields = fields


class IdentityDocumentQuery(PageQuery):
    """Filters of the list of identity documents."""

    beneficiary = serializers.UUIDField(required=False, source="beneficiary_id")
    kind = serializers.ChoiceField(choices=IdentityKind.choices, required=False)


class IdentityDocumentFields(InputSerializer):
    """What is known about an identity document."""

    state = serializers.ChoiceField(choices=IdentityState.choices)
    number = serializers.CharField(
        max_length=LONGEST_NUMBER, allow_blank=True, default="", help_text="As it is on the document."
    )
    number_is_meant = StrictBooleanField(
        default=False, help_text="True if `number` is right as sent, although it is unusual for this kind."
    )
    issued_district = PlaceCode(District, allow_blank=True, default=None)
    issued_on = DayField(is_record=True, allow_null=True, default=None)
    expires_on = DayField(allow_null=True, default=None, help_text="Of a passport.")
    kept_by = serializers.CharField(
        max_length=200, allow_blank=True, default="", help_text="Who keeps it, where `state` is `kept`."
    )


class IdentityDocumentInput(IdentityDocumentFields):
    """An identity document that is recorded for the first time."""

    beneficiary = VisibleRowField(lambda user: Beneficiary.objects.visible_to(user))
    kind = serializers.ChoiceField(choices=IdentityKind.choices)


class IdentityDocumentCorrection(CorrectionInput, IdentityDocumentFields):
    """Fields of an identity document as they should be. A reason is needed where another number was recorded."""


def identity_details(row: IdentityDocument, given: dict[str, Any]) -> IdentityDetails:
    """Return what is recorded in a document with the fields that were sent.

    Raises ValidationError where the number is unusual and not confirmed.
    """
    found = asdict(IdentityDetails.of(row))
    found |= {name: given[name] for name in found.keys() & given.keys()}
    if "issued_district" in given:
        found["issued_district_id"] = given["issued_district"].pk if given["issued_district"] else None
    number = found["number"]
    question = identity.doubt(row.kind, number) if number != row.number else ""
    if question and not identity.problem(number) and not given["number_is_meant"]:
        raise serializers.ValidationError({"number": f"{question} Then send `number_is_meant` as true."})
    return IdentityDetails(**found)


class IdentityDocumentViews(WrittenResource):
    """Identity documents of beneficiaries, one of a kind, also those that are missing."""

    http_method_names = ["get", "head", "post", "patch"]
    inputs = {
        "create": IdentityDocumentInput,
        "partial_update": IdentityDocumentCorrection,
    }

    path, noun = "identity-documents", "identity-document"
    lookup_url_kwarg = "identity_document_id"
    serializer_class = IdentityDocumentSerializer
    query_class = IdentityDocumentQuery
    ordering = ("-recorded_at", "id")

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return the documents of beneficiaries of cases that the user works on."""
        return IdentityDocument.objects.visible_to(user).select_related("issued_district", "recorded_by")

    def create(self, request: Request) -> Response:
        """Record an identity document; 409 where one of this kind is recorded. For the beneficiary's organisation."""
        self.require_writer()
        row = IdentityDocument()

        def write(given: dict[str, Any]) -> Model:
            row.beneficiary, row.kind, row.version = given["beneficiary"], given["kind"], 0
            return self._recorded(row, given | {"version": 0, "reason": ""})

        def read() -> Any:
            rows = self.get_queryset()
            return self.get_serializer(rows.get(beneficiary=row.beneficiary, kind=row.kind)).data

        return self.correct(request, write, read=read)

    def partial_update(self, request: Request, **keys: Any) -> Response:
        """Correct some fields of a document, on the `version` that was read."""
        row = self.row()
        self.require(IdentityDocument.objects.editable_by(request.user).filter(pk=row.pk).exists())
        return self.correct(
            request,
            lambda given: self._recorded(row, given),
            about=row,
            read=lambda: self.get_serializer(self.row()).data,
        )

    def _recorded(self, row: IdentityDocument, given: dict[str, Any]) -> IdentityDocument:
        return record_identity_document(
            beneficiary=row.beneficiary,
            kind=row.kind,
            details=identity_details(row, given),
            version=given["version"],
            reason=given["reason"],
            by=self.request.user,
            now=now(),
        )
