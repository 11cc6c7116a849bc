"""What goes to other organisations: referrals, and cases that are handed on."""

from typing import Any

from rest_framework import serializers

from accounts.models import Organisation, User
from accounts.queries import authority_of
from api.serializers.base import Given, Known, RowSerializer, UserSerializer
from api.serializers.cases import OfCase
from beneficiaries.choices import ConsentGiver, ConsentHow, ReferralState, TransferState
from beneficiaries.forms import LIVE_GIVERS, LIVE_HOWS
from beneficiaries.models import Case, CaseTransfer, Referral, SharedItem


class SharedItemSerializer(RowSerializer):
    """One thing passed on, as it stood when it was sent."""

    class Meta:
        model = SharedItem
        fields = ["name", "value"]
        read_only_fields = fields


class ReferralSerializer(RowSerializer):
    """The receiver sees this and its items, and nothing else of the case."""

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


class ReferralQuery(OfCase):
    state = serializers.ChoiceField(choices=ReferralState.choices, required=False)


class TransferQuery(OfCase):
    state = serializers.ChoiceField(choices=TransferState.choices, required=False)


class Agreed(Given):
    """That the person agrees to it: who decided, and how it was said. Of a no nothing is sent."""

    given_by = serializers.ChoiceField(choices=LIVE_GIVERS, default=ConsentGiver.SELF)
    how = serializers.ChoiceField(choices=LIVE_HOWS, default=ConsentHow.SPOKEN)
    reason = serializers.CharField(max_length=1000, allow_blank=True, default="")


class TransferOffer(Given):
    """Which case, to whom, why, and that the person agrees."""

    case = Known(lambda user: Case.objects.visible_to(user))
    receiver = Known(lambda user: Organisation.objects.filter(is_active=True))
    reason = serializers.CharField(max_length=2000)
    consent = Agreed()


class ReferralInput(TransferOffer):
    """What one service needs. `items` are names of what goes along, as it stands now."""

    service = serializers.CharField(max_length=200)
    items = serializers.ListField(  # type: ignore[assignment]  # no field of the serializer's own
        child=serializers.CharField(max_length=60), allow_empty=False, max_length=50
    )


class ReferralAnswer(Given):
    """What becomes of a referral."""

    state = serializers.ChoiceField(
        choices=[choice for choice in ReferralState.choices if choice[0] != ReferralState.SENT]
    )
    answer = serializers.CharField(max_length=2000, allow_blank=True, default="")


class TransferAnswer(Given):
    """What becomes of an offered case; `caseworker`, of the receiver, where it is taken over."""

    state = serializers.ChoiceField(
        choices=[choice for choice in TransferState.choices if choice[0] != TransferState.OFFERED]
    )
    answer = serializers.CharField(max_length=2000, allow_blank=True, default="")
    caseworker = Known(
        lambda user: User.objects.filter(
            is_active=True, memberships__role__organisation_id__in=authority_of(user).where("write_cases")
        ).distinct(),
        allow_null=True,
        default=None,
    )


def consent_fields(given: dict[str, Any]) -> dict[str, Any]:
    """What was sent of the consent, as the operations take it."""
    return {"given_by": given["given_by"], "how": given["how"], "why_nobody_asked": given["reason"]}
