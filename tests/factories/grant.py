"""Grants and their instalments."""

from decimal import Decimal

from core.clock import now
from core.context import acting_as
from projects.models import BudgetLine
from reintegration.models import Grant, Instalment, Plan
from reintegration.operations.grant import approve_grant, endorse_grant, pay_instalment, request_grant
from tests.factories.scene import DECIDES, REFERENCE, WRITES, Scene, makes

PURPOSE = "Stove, cups and the first goods of a tea shop."


def asks_for(plan: Plan) -> dict[str, object]:
    """Return what a page or program sends with the amount of a grant."""
    line = BudgetLine.objects.get(project=plan.enrolment.project, code="grants")
    return {"budget_line": line.pk, "purpose": PURPOSE}


def requested(plan: Plan, by, amount: int | Decimal = 60000, purpose: str = PURPOSE) -> Grant:
    return request_grant(
        plan=plan,
        purpose=purpose,
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


def paid(grant: Grant, demo_users, amount: int = 30000, username: str = "iom_finance", voucher: str = "V-1"):
    with acting_as(demo_users[username]):
        return pay_instalment(
            grant=grant,
            amount_npr=Decimal(amount),
            voucher=voucher,
            paid_on=now().date(),
            by=demo_users[username],
            now=now(),
        )


DECISIONS = ("endorsed_by_id", "endorsed_at", "approved_by_id", "approved_at")
MOVES = WRITES | DECIDES


@makes(
    Grant,
    reads=REFERENCE,
    adds=WRITES,
    changes=MOVES,
    copy={"state": "requested", **dict.fromkeys(DECISIONS)},
)
@makes(Instalment, reads=REFERENCE, adds=MOVES, changes=MOVES, copy={"amount_npr": 1, "number": 2})
def _grant(scene: Scene) -> Grant:
    plan = scene[Plan]
    with scene.acting() as by:
        grant = requested(plan, by, purpose=scene.token("purpose"))
    approved(grant, scene.users)
    paid(grant, scene.users, voucher=scene.token("voucher"))
    return grant
