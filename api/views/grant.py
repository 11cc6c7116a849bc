"""Grants and their instalments. All amounts in NPR."""

from collections.abc import Callable
from typing import Any

from django.db.models import Model, QuerySet
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.serializers import (
    AmountField,
    ByCaseAndProjectQuery,
    ByCaseQuery,
    DayField,
    InputSerializer,
    RowSerializer,
    UserSerializer,
    VisibleRowField,
)
from api.views.base import Resource, WrittenResource
from core.clock import now
from projects.models import BudgetLine
from reintegration import queries, rules
from reintegration.choices import GrantState
from reintegration.models import Grant, Instalment, Plan
from reintegration.operations.grant import (
    approve_grant,
    endorse_grant,
    pay_instalment,
    refuse_grant,
    request_grant,
    withdraw_grant,
)


class GrantSerializer(RowSerializer):
    """A grant with its case reference: nothing about the beneficiary."""

    case_reference = serializers.CharField(source="case.reference", read_only=True)
    requested_by = UserSerializer(read_only=True)
    endorsed_by = UserSerializer(read_only=True, allow_null=True)
    approved_by = UserSerializer(read_only=True, allow_null=True)
    refused_by = UserSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Grant
        fields = [
            "id",
            "case",
            "case_reference",
            "plan",
            "project",
            "budget_line",
            "livelihood",
            "purpose",
            "amount_npr",
            "ceiling_npr",
            "state",
            "requested_by",
            "requested_at",
            "endorsed_by",
            "endorsed_at",
            "approved_by",
            "approved_at",
            "refused_by",
            "refused_at",
            "refusal",
            "withdrawn_at",
            "version",
        ]
        read_only_fields = fields


class InstalmentSerializer(RowSerializer):
    """A part of a grant that was paid."""

    paid_by = UserSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Instalment
        fields = [
            "id",
            "case",
            "grant",
            "number",
            "amount_npr",
            "state",
            "paid_by",
            "paid_on",
            "paid_at",
            "voucher",
        ]
        read_only_fields = fields


class GrantQuery(ByCaseAndProjectQuery):
    """Filters of the list of grants."""

    state = serializers.ChoiceField(choices=GrantState.choices, required=False)


class InstalmentQuery(ByCaseQuery):
    """Filters of the list of instalments."""

    grant = serializers.UUIDField(required=False, source="grant_id")


class GrantRequest(InputSerializer):
    """A request for a grant for a plan, up to the programme's ceiling."""

    plan = VisibleRowField(lambda user: Plan.objects.visible_to(user))
    budget_line = VisibleRowField(
        lambda user: BudgetLine.objects.all(),
        help_text="One of the programme's `budget_lines` that pays grants.",
    )
    purpose = serializers.CharField(max_length=300, help_text="What it is for, in words that name nobody.")
    amount_npr = AmountField()


class GrantRefusal(InputSerializer):
    """Why a grant is refused, without names."""

    refusal = serializers.CharField(max_length=500)


class Payment(InputSerializer):
    """One instalment that was paid."""

    amount_npr = AmountField()
    voucher = serializers.CharField(max_length=60)
    paid_on = DayField(is_record=True)


class InstalmentViews(Resource):
    """Instalments of grants."""

    path, noun, lookup_url_kwarg = "instalments", "instalment", "instalment_id"
    serializer_class = InstalmentSerializer
    query_class = InstalmentQuery
    ordering = ("-planned_at", "id")

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return instalments that the user may see."""
        return Instalment.objects.visible_to(user).select_related("paid_by")


class GrantViews(WrittenResource):
    """Grants: requested, endorsed, approved and paid by different users."""

    path, noun, lookup_url_kwarg = "grants", "grant", "grant_id"
    serializer_class = GrantSerializer
    query_class = GrantQuery
    ordering = ("-requested_at", "id")
    inputs = {
        "create": GrantRequest,
        "refuse": GrantRefusal,
        "pay": Payment,
    }
    answers = {"pay": InstalmentViews}

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return grants that the user may see."""
        return queries.grants_for(user).select_related("project__managed_by")

    def create(self, request: Request) -> Response:
        """Request a grant for a plan."""
        self.require_writer()
        return self.run_once(request, lambda given: request_grant(**given, by=request.user, now=now()))

    def _decide(self, request: Request, action: Callable[..., Model], *actions: str) -> Response:
        grant = self.row()
        wanted = {rules.ACTIONS[name].permission for name in actions}
        self.require(bool(wanted & queries.grant_permissions(grant, request.user)))
        return self.run_once(
            request, lambda given: action(grant=grant, by=request.user, now=now(), **given), about=grant
        )

    @action(detail=True, methods=["post"])
    def endorse(self, request: Request, **keys: Any) -> Response:
        """Endorse a grant; not as who requested it."""
        return self._decide(request, endorse_grant, "endorse")

    @action(detail=True, methods=["post"])
    def approve(self, request: Request, **keys: Any) -> Response:
        """Approve a grant; not as who requested or endorsed it."""
        return self._decide(request, approve_grant, "approve")

    @action(detail=True, methods=["post"])
    def refuse(self, request: Request, **keys: Any) -> Response:
        """Refuse a grant, with a reason."""
        return self._decide(request, _refuse, "refuse_request", "refuse_endorsed")

    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, **keys: Any) -> Response:
        """Withdraw a request before it is approved; only as who made it."""
        grant = self.row()
        self.require(grant.requested_by_id == request.user.pk)
        return self.run_once(
            request,
            lambda given: withdraw_grant(grant=grant, by=request.user, now=now()),
            about=grant,
        )

    @action(detail=True, methods=["post"])
    def pay(self, request: Request, **keys: Any) -> Response:
        """Pay a part of an approved grant; the response is the instalment."""
        return self._decide(request, pay_instalment, "pay")


def _refuse(*, grant: Grant, refusal: str, by: Any, now: Any) -> Grant:
    return refuse_grant(grant=grant, reason=refusal, by=by, now=now)
