"""Beneficiaries, consents and cases."""

from typing import Any

from rest_framework import serializers

from accounts.models import Organisation
from api.serializers.base import (
    DayField,
    InputSerializer,
    PageQuery,
    RowSerializer,
    StrictBooleanField,
    UserSerializer,
    VisibleRowField,
    recorded,
)
from beneficiaries import rules
from beneficiaries.choices import (
    RISK_LEVELS,
    CaseStatus,
    ConsentGiver,
    ConsentHow,
    ConsentPurpose,
    DatePrecision,
    IdentityKind,
)
from beneficiaries.forms.interview import LIVE_GIVERS, LIVE_HOWS
from beneficiaries.models import (
    Beneficiary,
    Case,
    CaseFile,
    Consent,
    Document,
    IdentityDocument,
    RiskAssessment,
)
from core import reference
from core.clock import now

# Consent to be helped is recorded when a case is opened, consent to a referral when it is sent.
ASKED_LATER = [
    choice
    for choice in ConsentPurpose.choices
    if choice[0] in (ConsentPurpose.SHARING, ConsentPurpose.REPORTING, ConsentPurpose.RESEARCH)
]


class BeneficiarySerializer(RowSerializer):
    """A beneficiary, as the organisation of the case knows them."""

    birth_precision = serializers.ChoiceField(choices=DatePrecision.choices, allow_blank=True, read_only=True)
    counts_as_child = serializers.SerializerMethodField(
        help_text="True if the person is, or may be, under 18 today."
    )
    home_district: Any = serializers.SlugRelatedField("code", read_only=True, allow_null=True)
    home_local_level: Any = serializers.SlugRelatedField("code", read_only=True, allow_null=True)

    class Meta:
        model = Beneficiary
        fields = ["id", "organisation", *recorded(Beneficiary), "counts_as_child", "registered_on", "version"]
        read_only_fields = fields

    def get_counts_as_child(self, beneficiary: Any) -> bool:
        """Return whether the beneficiary is, or may be, under 18 today."""
        return rules.counts_as_child(beneficiary.birth_on, beneficiary.birth_precision, now().date())


class CaseFileSerializer(RowSerializer):
    """The situation, for those who work on the case."""

    caseworker = UserSerializer(read_only=True)
    current_district: Any = serializers.SlugRelatedField("code", read_only=True, allow_null=True)

    class Meta:
        model = CaseFile
        fields = ["caseworker", *recorded(CaseFile), "version"]
        read_only_fields = fields


class CaseSerializer(RowSerializer):
    """A case. `beneficiary` and `file` are null with summary access."""

    beneficiary = serializers.SerializerMethodField()
    file = CaseFileSerializer(source="opened_file", read_only=True, allow_null=True)

    class Meta:
        model = Case
        fields = [
            "id",
            "reference",
            "beneficiary",
            "lead_organisation",
            "status",
            "opened_on",
            "closed_on",
            "changed_on",
            "version",
            "file",
        ]
        read_only_fields = fields

    def get_beneficiary(self, case: Any) -> str | None:
        """Return the id, or None with summary access: it would show that two cases are of the same beneficiary."""
        return None if case.opened_file is None else str(case.beneficiary_id)


class ConsentSerializer(RowSerializer):
    """An answer for one purpose."""

    recorded_by = UserSerializer(read_only=True)

    class Meta:
        model = Consent
        fields = [
            "id",
            "case",
            "purpose",
            "organisation",
            "is_given",
            *recorded(Consent),
            "withdrawn_on",
            "recorded_by",
            "recorded_at",
            "version",
        ]
        read_only_fields = fields


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


class RiskAssessmentSerializer(RowSerializer):
    """One assessment of the risk; `former` is the level before it."""

    by = UserSerializer(read_only=True)

    class Meta:
        model = RiskAssessment
        fields = ["id", "case", "level", "former", "source", "reason", "assessed_on", "by", "at"]
        read_only_fields = fields


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


class Reference(serializers.CharField):
    """A case reference as people type it; a malformed one finds nothing."""

    def to_internal_value(self, data: Any) -> str:
        """Return the reference in its standard form."""
        typed = super().to_internal_value(data)
        return reference.tidy(typed) or typed


class CaseQuery(PageQuery):
    """Filters of the list of cases."""

    status = serializers.ChoiceField(choices=CaseStatus.choices, required=False)
    reference = Reference(max_length=30, required=False)
    lead_organisation = serializers.UUIDField(required=False, source="lead_organisation_id")
    changed_from = DayField(
        required=False, source="changed_on__gte", help_text="Changed on this day or later."
    )


class ByCaseQuery(PageQuery):
    """Filter by case."""

    case = serializers.UUIDField(required=False, source="case_id")


class ByCaseAndProjectQuery(ByCaseQuery):
    """Filters by case and programme."""

    project = serializers.UUIDField(required=False, source="project_id")


class IdentityDocumentQuery(PageQuery):
    """Filters of the list of identity documents."""

    beneficiary = serializers.UUIDField(required=False, source="beneficiary_id")
    kind = serializers.ChoiceField(choices=IdentityKind.choices, required=False)


class ConsentQuery(ByCaseQuery):
    """Filters of the list of consents."""

    purpose = serializers.ChoiceField(choices=ConsentPurpose.choices, required=False)


class ConsentAnswer(InputSerializer):
    """An answer to one question. An earlier answer to the same question ends today."""

    case = VisibleRowField(lambda user: Case.objects.visible_to(user))
    purpose = serializers.ChoiceField(choices=ASKED_LATER)
    organisation = VisibleRowField(
        lambda user: Organisation.objects.filter(is_active=True), allow_null=True, default=None
    )
    is_given = StrictBooleanField()
    given_by = serializers.ChoiceField(choices=LIVE_GIVERS, default=ConsentGiver.SELF)
    how = serializers.ChoiceField(choices=LIVE_HOWS, default=ConsentHow.SPOKEN)
    reason = serializers.CharField(max_length=1000, allow_blank=True, default="")
    until_on = DayField(allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Require an organisation for consent to share, and for no other consent."""
        if (attrs["purpose"] == ConsentPurpose.SHARING) != (attrs["organisation"] is not None):
            raise serializers.ValidationError(
                {"organisation": "Consent to share needs an organisation; other consents take none."}
            )
        return attrs


class RiskReview(InputSerializer):
    """The risk level now. A reason is required where it is lower than before."""

    case = VisibleRowField(lambda user: Case.objects.visible_to(user))
    level = serializers.ChoiceField(choices=RISK_LEVELS)
    reason = serializers.CharField(max_length=2000, allow_blank=True, default="")
