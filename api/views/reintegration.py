"""Plans, grants, follow-ups and reminders."""

from collections.abc import Callable
from typing import Any

from django.db.models import Model, Q, QuerySet
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.problems import Conflict
from api.serializers import reintegration
from api.serializers.cases import ByCaseQuery
from api.views.base import Resource, WrittenResource
from beneficiaries.choices import CaseStatus
from core.clock import now
from reintegration import queries, rules
from reintegration.models import FollowUp, Grant, Instalment, Plan, Reminder
from reintegration.operations.follow_up import record_follow_up
from reintegration.operations.grant import (
    approve_grant,
    endorse_grant,
    pay_instalment,
    refuse_grant,
    request_grant,
    withdraw_grant,
)
from reintegration.operations.plan import agree_plan


class PlanViews(WrittenResource):
    """Reintegration plans."""

    path, noun, lookup_url_kwarg = "plans", "plan", "plan_id"
    serializer_class = reintegration.PlanSerializer
    query_class = ByCaseQuery
    ordering = ("-at", "id")
    inputs = {"create": reintegration.Agreement}

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return plans of cases that the user works on."""
        return Plan.objects.visible_to(user).select_related("by")

    def create(self, request: Request) -> Response:
        """Save the plan that was agreed for an enrolment."""
        self.require_writer()
        return self.run_once(request, lambda given: agree_plan(**given, by=request.user, now=now()))


class InstalmentViews(Resource):
    """Instalments of grants."""

    path, noun, lookup_url_kwarg = "instalments", "instalment", "instalment_id"
    serializer_class = reintegration.InstalmentSerializer
    query_class = reintegration.InstalmentQuery
    ordering = ("-planned_at", "id")

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return instalments that the user may see."""
        return Instalment.objects.visible_to(user).select_related("paid_by")


class GrantViews(WrittenResource):
    """Grants: requested, endorsed, approved and paid by different users."""

    path, noun, lookup_url_kwarg = "grants", "grant", "grant_id"
    serializer_class = reintegration.GrantSerializer
    query_class = reintegration.GrantQuery
    ordering = ("-requested_at", "id")
    inputs = {
        "create": reintegration.GrantRequest,
        "refuse": reintegration.GrantRefusal,
        "pay": reintegration.Payment,
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


class FollowUpViews(WrittenResource):
    """Visits, calls and reviews that are due, and their results."""

    path, noun, lookup_url_kwarg = "follow-ups", "follow-up", "follow_up_id"
    serializer_class = reintegration.FollowUpSerializer
    query_class = reintegration.FollowUpQuery
    ordering = ("due_on", "id")
    inputs = {"record": reintegration.Visit}

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return follow-ups of cases that the user works on, without those that a closed case left open."""
        return FollowUp.objects.visible_to(user).not_lapsed().select_related("recorded_by")

    @action(detail=True, methods=["post"])
    def record(self, request: Request, **keys: Any) -> Response:
        """Record the result of a follow-up, once; the response is the recorded row.

        After a failed attempt the next one is a row of its own; so is an extra visit.
        """
        follow_up = self.row()
        self.require(FollowUp.objects.editable_by(request.user).filter(pk=follow_up.pk).exists())

        def write(given: dict[str, Any]) -> FollowUp:
            if follow_up.done_on is not None:
                raise Conflict("This follow-up is already saved.")
            return record_follow_up(follow_up=follow_up, **given, by=request.user, now=now())

        return self.run_once(request, write, about=follow_up)


class ReminderViews(Resource):
    """Reminders of follow-ups."""

    path, noun, lookup_url_kwarg = "reminders", "reminder", "reminder_id"
    serializer_class = reintegration.ReminderSerializer
    query_class = ByCaseQuery
    ordering = ("due_on", "id")

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return reminders of cases that the user works on, without unsent ones of closed cases."""
        waiting = Q(sent_at=None, case__status=CaseStatus.CLOSED)  # these will never be sent
        return Reminder.objects.visible_to(user).exclude(waiting).select_related("recipient")
