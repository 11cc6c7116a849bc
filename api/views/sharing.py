"""Referrals and transfers, from both sides."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Model, Prefetch, QuerySet
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authority import authority_of
from accounts.choices import Permission
from accounts.models import Organisation, User
from api.serializers import ByCaseQuery, InputSerializer, RowSerializer, UserSerializer, VisibleRowField
from api.views.base import WrittenResource
from beneficiaries.choices import ConsentGiver, ConsentHow, ReferralState, TransferState
from beneficiaries.forms.interview import LIVE_GIVERS, LIVE_HOWS
from beneficiaries.models import Case, CaseTransfer, Referral, SharedItem
from beneficiaries.operations.referral import answer_referral, ask_and_refer
from beneficiaries.operations.transfer import answer_transfer, ask_and_offer
from beneficiaries.queries.referral import shareable_items, shared_items, shared_with
from core.clock import now


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


class SharingViews(WrittenResource):
    """Base: sent by the lead of a case, answered by either side."""

    may_lose_access = ("answer",)

    def require_side(self, row: Any, permission: Permission) -> None:
        """Require that the user receives the row or leads its case."""
        receives = authority_of(self.request.user).may(permission, row.receiver_id)
        self.require(receives or Case.objects.led_by(self.request.user).filter(pk=row.case_id).exists())


class ReferralViews(SharingViews):
    """Referrals: items for one service, shared with an organisation by consent."""

    path, noun, lookup_url_kwarg = "referrals", "referral", "referral_id"
    serializer_class = ReferralSerializer
    query_class = ReferralQuery
    ordering = ("-sent_at", "id")
    inputs = {"create": ReferralInput, "answer": ReferralAnswer}

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return referrals of the user's cases, and those to their organisations."""
        items = Prefetch("items", queryset=shared_with(user))
        people = ("sent_by", "answered_by")
        return Referral.objects.visible_to(user).select_related(*people).prefetch_related(items)

    def create(self, request: Request) -> Response:
        """Record the consent and send the referral. Only for the organisation that leads the case."""
        self.require_writer()

        def write(given: dict[str, Any]) -> Model:
            if not Case.objects.led_by(request.user).filter(pk=given["case"].pk).exists():
                raise PermissionDenied
            shareable = shareable_items(given["case"], request.user)
            if unknown := [name for name in given["items"] if name not in shareable]:
                raise serializers.ValidationError(
                    {"items": [f"Not on this case: {name}" for name in unknown]}
                )
            return ask_and_refer(  # type: ignore[return-value]  # not None: consent is given
                case=given["case"],
                receiver=given["receiver"],
                service=given["service"],
                reason=given["reason"],
                items=shared_items(given["case"], request.user, given["items"]),
                agrees=True,
                **consent_fields(given["consent"]),
                by=request.user,
                now=now(),
            )

        return self.run_once(request, write)

    @action(detail=True, methods=["post"])
    def answer(self, request: Request, **keys: Any) -> Response:
        """Accept, decline or finish a referral, as its receiver; its sender may finish it too."""
        referral = self.row()
        self.require_side(referral, Permission.REFER_CASES)
        return self.run_once(
            request,
            lambda given: answer_referral(referral=referral, **given, by=request.user, now=now()),
            about=referral,
        )


class TransferViews(SharingViews):
    """Transfers: offered by the lead, accepted or declined by the receiver."""

    path, noun, lookup_url_kwarg = "transfers", "transfer", "transfer_id"
    serializer_class = TransferSerializer
    query_class = TransferQuery
    ordering = ("-offered_at", "id")
    inputs = {"create": TransferOffer, "answer": TransferAnswer}

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return offers of cases that the user works on."""
        return CaseTransfer.objects.visible_to(user).select_related("offered_by", "answered_by", "caseworker")

    def create(self, request: Request) -> Response:
        """Record the consent and offer the whole case. Only for the organisation that leads it."""
        self.require_writer()
        return self.run_once(
            request,
            lambda given: ask_and_offer(  # type: ignore[arg-type,return-value]  # consent is given
                case=given["case"],
                receiver=given["receiver"],
                reason=given["reason"],
                agrees=True,
                **consent_fields(given["consent"]),
                by=request.user,
                now=now(),
            ),
        )

    @action(detail=True, methods=["post"])
    def answer(self, request: Request, **keys: Any) -> Response:
        """Accept or decline the offer, as the receiver; take it back, as the lead."""
        transfer = self.row()
        self.require_side(transfer, Permission.WRITE_CASES)
        return self.run_once(
            request,
            lambda given: answer_transfer(transfer=transfer, **given, by=request.user, now=now()),
            about=transfer,
        )
