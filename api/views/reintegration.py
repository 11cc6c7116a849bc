"""Plans, grants, follow-ups, reminders."""

from collections.abc import Callable
from typing import Any

from django.db.models import Model, Q, QuerySet
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.problems import Conflict
from api.serializers import reintegration as wire
from api.serializers.cases import OfCase
from api.views.base import Resource, WrittenResource
from beneficiaries.choices import CaseStatus
from core.clock import now
from reintegration import operations, queries, rules
from reintegration.models import FollowUp, Grant, Instalment, Plan, Reminder


class PlanViews(WrittenResource):
    """Reintegration plans."""

    path, noun, lookup_url_kwarg = "plans", "plan", "plan_id"
    serializer_class = wire.PlanSerializer
    query_class = OfCase
    ordering = ("-at", "id")
    inputs = {"create": wire.Agreement}

    @staticmethod
    def rows(user: Any) -> QuerySet:
        return Plan.objects.visible_to(user).select_related("by")

    def create(self, request: Request) -> Response:
        """Write down what was agreed with a person who is in a programme."""
        self.require_writer()
        return self.run_once(
            request, lambda given: operations.agree_plan(**given, by=request.user, now=now())
        )


class InstalmentViews(Resource):
    """Parts of grants that were paid."""

    path, noun, lookup_url_kwarg = "instalments", "instalment", "instalment_id"
    serializer_class = wire.InstalmentSerializer
    query_class = wire.InstalmentQuery
    ordering = ("-planned_at", "id")

    @staticmethod
    def rows(user: Any) -> QuerySet:
        return Instalment.objects.visible_to(user).select_related("paid_by")


class GrantViews(WrittenResource):
    """Grants: asked for, endorsed, approved and paid by different people."""

    path, noun, lookup_url_kwarg = "grants", "grant", "grant_id"
    serializer_class = wire.GrantSerializer
    query_class = wire.GrantQuery
    ordering = ("-requested_at", "id")
    inputs = {"create": wire.GrantRequest, "refuse": wire.GrantRefusal, "pay": wire.Payment}
    answers = {"pay": InstalmentViews}

    @staticmethod
    def rows(user: Any) -> QuerySet:
        return queries.grants_for(user).select_related("project__managed_by")

    def create(self, request: Request) -> Response:
        """Ask for money for a plan."""
        self.require_writer()
        return self.run_once(
            request, lambda given: operations.request_grant(**given, by=request.user, now=now())
        )

    def _decide(self, request: Request, action: Callable[..., Model], *actions: str) -> Response:
        grant = self.row()
        wanted = {rules.ACTIONS[move].permission for move in actions}
        self.require(bool(wanted & queries.grant_permissions(grant, request.user)))
        return self.run_once(
            request, lambda given: action(grant=grant, by=request.user, now=now(), **given), about=grant
        )

    @action(detail=True, methods=["post"])
    def endorse(self, request: Request, **keys: Any) -> Response:
        """Say that the grant is sound; for a supervisor who didn't ask for it."""
        return self._decide(request, operations.endorse_grant, "endorse")

    @action(detail=True, methods=["post"])
    def approve(self, request: Request, **keys: Any) -> Response:
        """Give leave to pay; for an approver who neither asked for it nor endorsed it."""
        return self._decide(request, operations.approve_grant, "approve")

    @action(detail=True, methods=["post"])
    def refuse(self, request: Request, **keys: Any) -> Response:
        """Say no, and why."""
        return self._decide(request, _refuse, "refuse_request", "refuse_endorsed")

    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, **keys: Any) -> Response:
        """Take a request back that isn't decided yet; for whoever asked for it."""
        grant = self.row()
        self.require(grant.requested_by_id == request.user.pk)
        return self.run_once(
            request,
            lambda given: operations.withdraw_grant(grant=grant, by=request.user, now=now()),
            about=grant,
        )

    @action(detail=True, methods=["post"])
    def pay(self, request: Request, **keys: Any) -> Response:
        """Pay a part of an approved grant; the answer is the instalment."""
        return self._decide(request, operations.pay_instalment, "pay")


def _refuse(*, grant: Grant, refusal: str, by: Any, now: Any) -> Grant:
    return operations.refuse_grant(grant=grant, reason=refusal, by=by, now=now)


class FollowUpViews(WrittenResource):
    """Visits, calls and reviews that are owed, and what came of them."""

    path, noun, lookup_url_kwarg = "follow-ups", "follow-up", "follow_up_id"
    serializer_class = wire.FollowUpSerializer
    query_class = wire.FollowUpQuery
    ordering = ("due_on", "id")
    inputs = {"record": wire.Visit}

    @staticmethod
    def rows(user: Any) -> QuerySet:
        return FollowUp.objects.visible_to(user).not_lapsed().select_related("recorded_by")

    @action(detail=True, methods=["post"])
    def record(self, request: Request, **keys: Any) -> Response:
        """Write down what came of a follow-up, once; the answer is the row that says it.

        An attempt that failed is followed by the next one, a row of its own; an extra visit is another row as well.
        """
        follow_up = self.row()
        self.require(FollowUp.objects.editable_by(request.user).filter(pk=follow_up.pk).exists())

        def write(given: dict[str, Any]) -> FollowUp:
            if follow_up.done_on is not None:
                raise Conflict("This follow-up is recorded already.")
            return operations.record_follow_up(follow_up=follow_up, **given, by=request.user, now=now())

        return self.run_once(request, write, about=follow_up)


class ReminderViews(Resource):
    """What tells a caseworker that a follow-up is due."""

    path, noun, lookup_url_kwarg = "reminders", "reminder", "reminder_id"
    serializer_class = wire.ReminderSerializer
    query_class = OfCase
    ordering = ("due_on", "id")

    @staticmethod
    def rows(user: Any) -> QuerySet:
        waiting = Q(sent_at=None, case__status=CaseStatus.CLOSED)  # and never sent: nothing is due any more
        return Reminder.objects.visible_to(user).exclude(waiting).select_related("recipient")
