"""Consents."""

from dataclasses import asdict
from typing import Any

from django.db.models import Model, QuerySet
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Organisation
from api.problems import Conflict
from api.serializers import (
    ByCaseQuery,
    CorrectionInput,
    DayField,
    InputSerializer,
    RowSerializer,
    StrictBooleanField,
    UserSerializer,
    VisibleRowField,
    recorded,
)
from api.views.base import WrittenResource
from beneficiaries.choices import ConsentGiver, ConsentHow, ConsentPurpose
from beneficiaries.forms.interview import LIVE_GIVERS, LIVE_HOWS
from beneficiaries.models import Case, Consent
from beneficiaries.operations.consent import ConsentAnswer as RecordedAnswer
from beneficiaries.operations.consent import correct_consent, record_consent, withdraw_consent
from core.clock import now

# Consent to be helped is recorded when a case is opened, consent to a referral when it is sent.
ASKED_LATER = [
    choice
    for choice in ConsentPurpose.choices
    if choice[0] in (ConsentPurpose.SHARING, ConsentPurpose.REPORTING, ConsentPurpose.RESEARCH)
]


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


class ConsentFields(InputSerializer):
    """What can be corrected in a consent."""

    given_by = serializers.ChoiceField(choices=LIVE_GIVERS)
    why_nobody_asked = serializers.CharField(max_length=1000, allow_blank=True)
    how = serializers.ChoiceField(choices=LIVE_HOWS)
    asked_on = DayField(is_record=True)
    until_on = DayField(
        allow_null=True, help_text="Never later than recorded where an organisation reads by it."
    )


class ConsentCorrection(CorrectionInput, ConsentFields):
    """Fields of a consent as they should be. A reason is needed. It gives no organisation more access."""


def corrected_answer(row: Consent, given: dict[str, Any]) -> RecordedAnswer:
    """Return the recorded answer with the fields that were sent."""
    found = asdict(RecordedAnswer.of(row))
    found |= {name: given[name] for name in given.keys() & {"given_by", "how", "asked_on", "until_on"}}
    return RecordedAnswer(**found | {"reason": given.get("why_nobody_asked", row.reason)})


class ConsentViews(WrittenResource):
    """Consents, by purpose."""

    path, noun, lookup_url_kwarg = "consents", "consent", "consent_id"
    serializer_class = ConsentSerializer
    query_class = ConsentQuery
    ordering = ("-recorded_at", "id")
    http_method_names = ["get", "head", "post", "patch"]
    inputs = {"create": ConsentAnswer, "partial_update": ConsentCorrection}

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return consents of cases that the user works on."""
        return Consent.objects.visible_to(user).select_related("recorded_by")

    def create(self, request: Request) -> Response:
        """Record an answer; access changes with it. Only for the organisation that leads the case."""
        self.require_writer()
        return self.run_once(request, lambda given: record_consent(**given, by=request.user, now=now()))

    def partial_update(self, request: Request, **keys: Any) -> Response:
        """Correct what was recorded about an answer, on the `version` that was read. It never gives more access."""
        row = self.row()
        self.require(Consent.objects.editable_by(request.user).filter(pk=row.pk).exists())

        def write(given: dict[str, Any]) -> Model:
            return correct_consent(
                consent=row,
                answer=corrected_answer(row, given),
                version=given["version"],
                reason=given["reason"],
                by=request.user,
                now=now(),
            )

        return self.correct(request, write, about=row, read=lambda: self.get_serializer(self.row()).data)

    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, **keys: Any) -> Response:
        """Withdraw a consent from today; the access that it gave ends at once."""
        consent = self.row()
        self.require(Consent.objects.editable_by(request.user).filter(pk=consent.pk).exists())

        def write(given: dict[str, Any]) -> Consent:
            if consent.withdrawn_on is not None:
                raise Conflict("This consent is withdrawn already.")
            if consent.purpose == ConsentPurpose.SERVICES:
                raise Conflict("This is the consent that the case stands on: close the case instead.")
            withdraw_consent(consent=consent, by=request.user, now=now())
            return consent

        return self.run_once(request, write, about=consent)
