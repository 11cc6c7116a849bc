"""Referrals, and transfers of cases."""

from typing import Any

from rest_framework import serializers

from accounts.authority import authority_of
from accounts.models import Organisation, User
from api.serializers.base import InputSerializer, RowSerializer, UserSerializer, VisibleRowField
from api.serializers.cases import ByCaseQuery
from beneficiaries.choices import ConsentGiver, ConsentHow, ReferralState, TransferState
from beneficiaries.forms.interview import LIVE_GIVERS, LIVE_HOWS
from beneficiaries.models import Case, CaseTransfer, Referral, SharedItem


class SharedItemSerializer(RowSerializer):
    """One shared item, with its value when it was sent."""

    class Meta:
        model = SharedItem
        fields = ["name", "value"]
        read_only_fields = fields


class ReferralSerializer(RowSerializer):
    """A referral. The receiver sees this and its items, and nothing else of the case."""

    items = SharedItemSerializer(many=True, read_only=True)
    sent_by = UserSerializer(read_only=True)
    answered_by = UserSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Referral
        fields = [
            "id",
            "case",
            "receiver",
            "service",
            "reason",
            "items",
            "state",
            "sent_by",
            "sent_at",
            "answered_by",
            "answered_at",
            "answer",
            "version",
        ]
        read_only_fields = fields


class TransferSerializer(RowSerializer):
    """An offer to transfer a case."""

    offered_by = UserSerializer(read_only=True)
    answered_by = UserSerializer(read_only=True, allow_null=True)
    caseworker = UserSerializer(read_only=True, allow_null=True)

    class Meta:
        model = CaseTransfer
        fields = [
            "id",
            "case",
            "sender",
            "receiver",
            "reason",
            "state",
            "offered_by",
            "offered_at",
            "answered_by",
            "answered_at",
            "answer",
            "caseworker",
        ]
        read_only_fields = fields


class ReferralQuery(ByCaseQuery):
    """Filters of the list of referrals."""

    state = serializers.ChoiceField(choices=ReferralState.choices, required=False)


class TransferQuery(ByCaseQuery):
    """Filters of the list of transfers."""

    state = serializers.ChoiceField(choices=TransferState.choices, required=False)


class Agreed(InputSerializer):
    """The consent to this: who consented, and how. After a refusal nothing is sent."""

    given_by = serializers.ChoiceField(choices=LIVE_GIVERS, default=ConsentGiver.SELF)
    how = serializers.ChoiceField(choices=LIVE_HOWS, default=ConsentHow.SPOKEN)
    reason = serializers.CharField(max_length=1000, allow_blank=True, default="")


class TransferOffer(InputSerializer):
    """Which case is offered to whom, why, and the consent."""

    case = VisibleRowField(lambda user: Case.objects.visible_to(user))
    receiver = VisibleRowField(lambda user: Organisation.objects.filter(is_active=True))
    reason = serializers.CharField(max_length=2000)
    consent = Agreed()


class ReferralInput(TransferOffer):
    """A referral. `items` are names of items to share, with their present values."""

    service = serializers.CharField(max_length=200)
    items = serializers.ListField(  # type: ignore[assignment]  # no field of the serializer's own
        child=serializers.CharField(max_length=60), allow_empty=False, max_length=50
    )


class ReferralAnswer(InputSerializer):
    """The answer to a referral."""

    state = serializers.ChoiceField(
        choices=[choice for choice in ReferralState.choices if choice[0] != ReferralState.SENT]
    )
    answer = serializers.CharField(max_length=2000, allow_blank=True, default="")


class TransferAnswer(InputSerializer):
    """The answer to an offer; `caseworker`, of the receiver, is required to accept it."""

    state = serializers.ChoiceField(
        choices=[choice for choice in TransferState.choices if choice[0] != TransferState.OFFERED]
    )
    answer = serializers.CharField(max_length=2000, allow_blank=True, default="")
    caseworker = VisibleRowField(
        lambda user: User.objects.filter(
            is_active=True, memberships__role__organisation_id__in=authority_of(user).where("write_cases")
        ).distinct(),
        allow_null=True,
        default=None,
    )


def consent_fields(given: dict[str, Any]) -> dict[str, Any]:
    """Return the consent as arguments of the operations."""
    return {"given_by": given["given_by"], "how": given["how"], "why_nobody_asked": given["reason"]}
