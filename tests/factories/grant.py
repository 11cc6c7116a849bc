"""Grants and their instalments."""

from decimal import Decimal

from core.clock import now
from core.context import acting_as
from projects.models import BudgetLine
from reintegration.models import Grant, Plan
from reintegration.operations.grant import approve_grant, endorse_grant, pay_instalment, request_grant

PURPOSE = "Stove, cups and the first goods of a tea shop."


def asks_for(plan: Plan) -> dict[str, object]:
    """Return what a page or program sends with the amount of a grant."""
    line = BudgetLine.objects.get(project=plan.enrolment.project, code="grants")
    return {"budget_line": line.pk, "purpose": PURPOSE}


def requested(plan: Plan, by, amount: int | Decimal = 60000) -> Grant:
    return request_grant(
        plan=plan,
        purpose=PURPOSE,
        amount_npr=Decimal(amount),
        budget_line=BudgetLine.objects.get(project=plan.enrolment.project, code="grants"),
        by=by,
        now=now(),
    )


def approved(grant: Grant, demo_users) -> Grant:
    with acting_as(demo_users["iom_supervisor"]):
        endorse_grant(grant=grant, by=demo_users["iom_supervisor"], now=now())
    with acting_as(demo_users["iom_approver"]):
        return approve_grant(grant=grant, by=demo_users["iom_approver"], now=now())


def paid(grant: Grant, demo_users, amount: int = 30000, username: str = "iom_finance"):
    with acting_as(demo_users[username]):
        return pay_instalment(
            grant=grant,
            amount_npr=Decimal(amount),
            voucher="V-1",
            paid_on=now().date(),
            by=demo_users[username],
            now=now(),
        )
