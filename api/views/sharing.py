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
from api.serializers import sharing
from api.views.base import WrittenResource
from beneficiaries.models import Case, CaseTransfer, Referral
from beneficiaries.operations.referral import answer_referral, ask_and_refer
from beneficiaries.operations.transfer import answer_transfer, ask_and_offer
from beneficiaries.queries.referral import shareable_items, shared_items, shared_with
from core.clock import now


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
    serializer_class = sharing.ReferralSerializer
    query_class = sharing.ReferralQuery
    ordering = ("-sent_at", "id")
    inputs = {"create": sharing.ReferralInput, "answer": sharing.ReferralAnswer}

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
                **sharing.consent_fields(given["consent"]),
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
    serializer_class = sharing.TransferSerializer
    query_class = sharing.TransferQuery
    ordering = ("-offered_at", "id")
    inputs = {"create": sharing.TransferOffer, "answer": sharing.TransferAnswer}

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
                **sharing.consent_fields(given["consent"]),
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
