"""Cases: the first interview, the situation, closing."""

from dataclasses import asdict
from typing import Any

from django.db.models import Model, Prefetch, QuerySet
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.queries import organisations_of
from api.serializers import (
    CorrectionInput,
    DayField,
    InputSerializer,
    PageQuery,
    PlaceCode,
    RowSerializer,
    UserSerializer,
    VisibleRowField,
    recorded,
)
from api.views.base import WrittenResource
from api.views.beneficiary import BeneficiaryInput, beneficiary_of
from beneficiaries.choices import CaseStatus, Risk
from beneficiaries.forms.interview import LIVE_GIVERS, LIVE_HOWS
from beneficiaries.models import Case, CaseFile
from beneficiaries.operations.case import close_case
from beneficiaries.operations.correction import correct_situation
from beneficiaries.operations.intake import ConsentGiven, Situation, open_case
from core import reference
from core.clock import now
from geography.models import Country, District
from projects.choices import TargetGroup


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


class ConsentInput(InputSerializer):
    """The consent to be helped and to have a file kept: asked first, after saying what is confidential."""

    given_by = serializers.ChoiceField(choices=LIVE_GIVERS)
    how = serializers.ChoiceField(choices=LIVE_HOWS)
    reason = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")


class SituationInput(InputSerializer):
    """What brought the beneficiary here."""

    groups = serializers.ListField(
        child=serializers.ChoiceField(choices=TargetGroup.choices),
        allow_empty=False,
        max_length=len(TargetGroup.choices),
    )
    primary_group = serializers.ChoiceField(choices=TargetGroup.choices)
    country_of_stay = PlaceCode(Country, allow_blank=True, default=None)
    current_district = PlaceCode(District, allow_blank=True, default=None)
    risk = serializers.ChoiceField(choices=Risk.choices, default=Risk.UNKNOWN)
    narrative = serializers.CharField(max_length=10000, allow_blank=True, default="")
    needs = serializers.CharField(max_length=5000, allow_blank=True, default="")


class CaseOpening(InputSerializer):
    """The whole first interview: consent, beneficiary, situation."""

    organisation = VisibleRowField(lambda user: organisations_of(user, "write_cases"))
    consent = ConsentInput()
    beneficiary = BeneficiaryInput()
    situation = SituationInput()


def consent_of(given: dict[str, Any]) -> ConsentGiven:
    """Return the consent for the operation."""
    return ConsentGiven(**given)


def corrected_situation(row: CaseFile, given: dict[str, Any]) -> Situation:
    """Return the situation with the fields that were sent."""
    found = asdict(Situation.of(row))
    found |= {
        name: given[name] for name in ("groups", "primary_group", "narrative", "needs") if name in given
    }
    if "country_of_stay" in given:
        found["country_of_stay"] = given["country_of_stay"].code if given["country_of_stay"] else ""
    if "current_district" in given:
        found["current_district_id"] = given["current_district"].pk if given["current_district"] else None
    return Situation(**found)


def situation_of(given: dict[str, Any]) -> Situation:
    """Return the situation for the operation."""
    same = ("primary_group", "risk", "narrative", "needs")
    country, district = given["country_of_stay"], given["current_district"]
    return Situation(
        **{name: given[name] for name in same},
        groups=list(dict.fromkeys(given["groups"])),
        country_of_stay=country.code if country else "",
        current_district_id=district.pk if district else None,
    )


class SituationCorrection(CorrectionInput, SituationInput):
    """Fields of the situation as they should be."""


class CaseViews(WrittenResource):
    """Cases. Summary access only shows the reference, the lead and the dates."""

    path, noun, lookup_url_kwarg = "cases", "case", "case_id"
    serializer_class = CaseSerializer
    query_class = CaseQuery
    ordering = ("-changed_on", "id")
    http_method_names = ["get", "head", "post", "patch"]
    inputs = {"create": CaseOpening, "file": SituationCorrection}

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return cases that the user may see, with the file where they work on them."""
        files = CaseFile.objects.visible_to(user).select_related("caseworker", "current_district")
        return Case.objects.visible_to(user).prefetch_related(
            Prefetch("file", queryset=files, to_attr="opened_file")
        )

    def create(self, request: Request) -> Response:
        """Open a case for a beneficiary who consented."""
        self.require_writer()
        return self.run_once(
            request,
            lambda given: open_case(
                organisation=given["organisation"],
                consent=consent_of(given["consent"]),
                details=beneficiary_of(given["beneficiary"]),
                situation=situation_of(given["situation"]),
                by=request.user,
                now=now(),
            ),
        )

    @action(detail=True, methods=["patch"], url_path="file")
    def file(self, request: Request, **keys: Any) -> Response:
        """Correct some fields of the situation, on the `version` of the file that was read."""
        case = self.row()
        self.require(Case.objects.editable_by(request.user).filter(pk=case.pk).exists())

        def write(given: dict[str, Any]) -> Model:
            return correct_situation(
                case=case,
                situation=corrected_situation(case.opened_file, given),
                version=given["version"],
                reason=given["reason"],
                by=request.user,
                now=now(),
            ).case

        return self.correct(
            request, write, about=case, read=lambda: CaseFileSerializer(self.row().opened_file).data
        )

    @action(detail=True, methods=["post"])
    def close(self, request: Request, **keys: Any) -> Response:
        """Close a case today; 409 while something is owed."""
        case = self.row()
        self.require(Case.objects.editable_by(request.user).filter(pk=case.pk).exists())
        return self.run_once(
            request, lambda given: close_case(case=case, by=request.user, now=now()), about=case
        )
