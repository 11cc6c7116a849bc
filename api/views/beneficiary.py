"""Beneficiaries."""

from dataclasses import asdict
from typing import Any

from django.db.models import Model, QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.serializers import (
    CorrectionInput,
    InputSerializer,
    PlaceCode,
    RowSerializer,
    StrictBooleanField,
    recorded,
)
from api.views.base import WrittenResource
from beneficiaries import rules
from beneficiaries.choices import DatePrecision, IdentityState, Sex
from beneficiaries.models import Beneficiary
from beneficiaries.models.beneficiary import LONGEST_PHONE
from beneficiaries.operations.correction import correct_beneficiary
from beneficiaries.operations.intake import BeneficiaryDetails
from core import bikram_sambat, days
from core.clock import now
from geography.models import Country, District, LocalLevel

SAY_WHICH = "Send the right `birth_calendar`, or `birth_is_meant` as true."


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


class BeneficiaryInput(InputSerializer):
    """Who the beneficiary is. Only first name and sex are required."""

    first_name = serializers.CharField(max_length=100)
    middle_name = serializers.CharField(max_length=100, allow_blank=True, default="")
    second_name = serializers.CharField(max_length=100, allow_blank=True, default="")
    name_ne = serializers.CharField(max_length=200, allow_blank=True, default="")
    sex = serializers.ChoiceField(choices=Sex.choices)
    birth = serializers.CharField(
        max_length=40,
        allow_blank=True,
        default="",
        help_text="2049-11-16, 2049-11 or 2049; about 15 years old on a day: 15 2083-01-20, or 15 for today.",
    )
    birth_calendar = serializers.ChoiceField(
        choices=["ad", "bs"], default="ad", help_text="AD or Bikram Sambat."
    )
    birth_is_meant = StrictBooleanField(
        default=False, help_text="True if `birth` is right as sent, although it makes the person very old."
    )
    citizenship = PlaceCode(Country, allow_blank=True, default=None)
    citizenship_certificate = serializers.ChoiceField(
        choices=IdentityState.choices,
        default=IdentityState.UNKNOWN,
        help_text="Whether they have one; its number and other documents are an `identity-documents` row.",
    )
    home_district = PlaceCode(District, allow_blank=True, default=None)
    home_local_level = PlaceCode(LocalLevel, allow_blank=True, default=None)
    home_place = serializers.CharField(max_length=200, allow_blank=True, default="")
    safe_contact = serializers.CharField(
        max_length=1000, allow_blank=True, default="", help_text="How the person can be contacted safely."
    )
    phone = serializers.CharField(
        max_length=LONGEST_PHONE,
        allow_blank=True,
        default="",
        help_text="One to three numbers, with a comma between them. Read safe_contact before you call.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Check that the local level is in the district, and parse the birth date."""
        level, district = attrs["home_local_level"], attrs["home_district"]
        if level and district and level.district_id != district.pk:
            raise serializers.ValidationError(
                {"home_local_level": "This local level is in another district."}
            )
        try:
            attrs["parsed"] = self._birth(attrs)
        except days.Doubt as doubt:
            raise serializers.ValidationError({"birth": f"{doubt} {SAY_WHICH}"}) from doubt
        except bikram_sambat.NotADate as error:
            raise serializers.ValidationError({"birth": str(error)}) from error
        return attrs

    def _birth(self, attrs: dict[str, Any]) -> bikram_sambat.ParsedDate | None:
        typed, calendar = attrs["birth"], attrs["birth_calendar"]
        chosen_reading = days.answer(calendar, typed) if attrs["birth_is_meant"] else ""
        return (
            days.birth_of(typed, calendar=calendar, today=now().date(), meant=chosen_reading)
            if typed
            else None
        )


def beneficiary_of(given: dict[str, Any]) -> BeneficiaryDetails:
    """Return the details for the operation."""
    district, level = given["home_district"], given["home_local_level"]
    return BeneficiaryDetails.from_typed(
        given,
        **_birth_columns(given["parsed"]),
        citizenship=given["citizenship"].code if given["citizenship"] else "",
        home_district_id=district.pk if district else None,
        home_local_level_id=level.pk if level else None,
    )


def corrected_details(row: Beneficiary, given: dict[str, Any]) -> BeneficiaryDetails:
    """Return the record's details with the fields that were sent; a new district without a local level has none."""
    found = asdict(BeneficiaryDetails.of(row))
    sent = given["sent"]
    found |= {name: given[name] for name in sent & found.keys() - {"citizenship"}}
    if "birth" in sent:
        found |= _birth_columns(given["parsed"])
    if "citizenship" in sent:
        found["citizenship"] = given["citizenship"].code if given["citizenship"] else ""
    if "home_district" in sent or "home_local_level" in sent:
        district, level = given["home_district"], given["home_local_level"]
        if "home_district" in sent:
            found |= {"home_district_id": district.pk if district else None, "home_local_level_id": None}
        if "home_local_level" in sent:
            found["home_local_level_id"] = level.pk if level else None
    return BeneficiaryDetails(**found)


def _birth_columns(birth: bikram_sambat.ParsedDate | None) -> dict[str, Any]:
    """Return a birth date as the record keeps it; empty where there is none."""
    return {
        "birth_on": birth.date if birth else None,
        "birth_precision": birth.precision.value if birth else "",
        "birth_as_typed": f"{birth.as_typed} {birth.calendar.upper()}" if birth else "",
    }


class BeneficiaryCorrection(CorrectionInput, BeneficiaryInput):
    """Fields of a beneficiary's record as they should be."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Read the birth date; where a place of the home is sent, it fits its district."""
        return super().validate({"home_local_level": None, "home_district": None, "birth": ""} | attrs) | {
            "sent": frozenset(attrs)
        }


class BeneficiaryViews(WrittenResource):
    """Beneficiaries, for those who work on a case of theirs."""

    http_method_names = ["get", "head", "patch"]
    inputs = {"partial_update": BeneficiaryCorrection}

    path, noun, lookup_url_kwarg = "beneficiaries", "beneficiary", "beneficiary_id"
    serializer_class = BeneficiarySerializer
    ordering = ("-created_at", "id")

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return beneficiaries of cases that the user works on."""
        return Beneficiary.objects.visible_to(user).select_related("home_district", "home_local_level")

    def partial_update(self, request: Request, **keys: Any) -> Response:
        """Correct some fields of a record, on the `version` that was read. For the organisation that it belongs to."""
        row = self.row()
        self.require(Beneficiary.objects.editable_by(request.user).filter(pk=row.pk).exists())

        def write(given: dict[str, Any]) -> Model:
            return correct_beneficiary(
                beneficiary=row,
                details=corrected_details(row, given),
                version=given["version"],
                reason=given["reason"],
                by=request.user,
                now=now(),
            )

        return self.correct(request, write, about=row, read=lambda: self.get_serializer(self.row()).data)
