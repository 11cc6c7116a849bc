"""The workflow of a grant: requested, endorsed, approved, paid, each by another user. Amounts in NPR."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.choices import Permission
from accounts.models import Organisation
from accounts.operations.notice import leave_notices
from accounts.queries import holders, recipients_about_work
from beneficiaries.models import Case
from core import audit, days
from core.numerals import shown_amount
from projects.choices import FollowUpStart
from projects.models import BudgetLine
from projects.operations import post_expense
from reintegration import queries, rules
from reintegration.choices import GrantState, InstalmentState
from reintegration.models import Grant, Instalment, Plan
from reintegration.operations.follow_up import schedule_follow_ups

# The permission for the next step in each state.
NEXT = {
    GrantState.REQUESTED: Permission.ENDORSE_GRANTS,
    GrantState.ENDORSED: Permission.APPROVE_GRANTS,
    GrantState.APPROVED: Permission.PAY_GRANTS,
}


class GrantActionRefused(ValidationError):
    """The grant isn't in a state for this action, or this user may not do it."""


@transaction.atomic
def request_grant(
    *, plan: Plan, purpose: str, amount_npr: Decimal, budget_line: BudgetLine, by, now: datetime
) -> Grant:
    """Request a grant for a plan, up to the programme's ceiling."""
    plan = Plan.objects.editable_by(by).select_for_update().filter(pk=plan.pk).first()
    if plan is None:
        raise PermissionDenied
    project = plan.enrolment.project
    if project.grant_ceiling_npr is None:
        raise ValidationError(_("This programme gives no grants."))
    if amount_npr <= 0:
        raise ValidationError({"amount_npr": _("The amount must be more than 0.")})
    if amount_npr > project.grant_ceiling_npr:
        raise ValidationError(
            {
                "amount_npr": _("One grant of this programme can be at most NPR %s.")
                % shown_amount(project.grant_ceiling_npr)
            }
        )
    if budget_line.project_id != project.pk:
        raise ValidationError({"budget_line": _("This budget line belongs to another programme.")})
    if not budget_line.pays_grants:
        raise ValidationError({"budget_line": _("This budget line pays no grants.")})
    _check_purpose(purpose, plan)
    if Grant.objects.visible_to(by).filter(plan=plan).exclude(state__in=rules.ENDED_UNPAID).exists():
        raise ValidationError(_("A grant was already requested."))
    lately = Grant.objects.visible_to(by).filter(plan=plan, requested_at__gt=now - timedelta(days=1))
    if lately.count() >= rules.REQUESTED_A_DAY:
        raise ValidationError(
            _("A grant was requested too often for this plan in the last 24 hours. Try again tomorrow.")
        )
    grant = Grant(
        case_id=plan.case_id,
        plan=plan,
        project=project,
        budget_line=budget_line,
        livelihood=plan.livelihood,
        purpose=purpose.strip(),
        amount_npr=amount_npr,
        ceiling_npr=project.grant_ceiling_npr,
        requested_by=by,
        requested_at=now,
    )
    grant.save(force_insert=True)
    _set_changed_on(grant, by, now)
    audit.record(by=by, verb="grant requested", obj=grant, case_id=grant.case_id, now=now)
    _notify(Permission.ENDORSE_GRANTS, grant, gettext_noop("A grant waits for endorsement: case %s."), now)
    return grant


@transaction.atomic
def endorse_grant(*, grant: Grant, by, now: datetime) -> Grant:
    """Confirm that the grant fits plan and programme."""
    grant = _locked_for("endorse", grant, by)
    grant.state, grant.endorsed_by, grant.endorsed_at = GrantState.ENDORSED, by, now
    _save(grant, "state", "endorsed_by", "endorsed_at")
    audit.record(by=by, verb="grant endorsed", obj=grant, case_id=grant.case_id, now=now)
    _notify(Permission.APPROVE_GRANTS, grant, gettext_noop("A grant waits for approval: case %s."), now)
    return grant


@transaction.atomic
def approve_grant(*, grant: Grant, by, now: datetime) -> Grant:
    """Approve the payment of a grant."""
    grant = _locked_for("approve", grant, by)
    grant.state, grant.approved_by, grant.approved_at = GrantState.APPROVED, by, now
    _save(grant, "state", "approved_by", "approved_at")
    audit.record(by=by, verb="grant approved", obj=grant, case_id=grant.case_id, now=now)
    _notify(Permission.PAY_GRANTS, grant, gettext_noop("A grant is approved and can be paid: case %s."), now)
    return grant


@transaction.atomic
def refuse_grant(*, grant: Grant, reason: str, by, now: datetime) -> Grant:
    """Refuse a grant, with a reason that must name nobody."""
    grant = _locked_for(
        "refuse_request" if grant.state == GrantState.REQUESTED else "refuse_endorsed", grant, by
    )
    if not reason.strip():
        raise ValidationError({"refusal": _("Say why.")})
    grant.state, grant.refused_by, grant.refused_at, grant.refusal = (
        GrantState.REFUSED,
        by,
        now,
        reason.strip(),
    )
    _save(grant, "state", "refused_by", "refused_at", "refusal")
    audit.record(by=by, verb="grant refused", obj=grant, case_id=grant.case_id, now=now)
    _notify_requester(grant, f"grant-refused:{grant.pk}", gettext_noop("A grant was refused: case %s."), now)
    return grant


@transaction.atomic
def withdraw_grant(*, grant: Grant, by, now: datetime) -> Grant:
    """Withdraw one's own request before it is approved; another grant can be requested for the plan."""
    grant = _locked_for("withdraw", grant, by)
    asked_next = NEXT[GrantState(grant.state)]
    grant.state, grant.withdrawn_at = GrantState.WITHDRAWN, now
    _save(grant, "state", "withdrawn_at")
    _set_changed_on(grant, by, now)
    audit.record(by=by, verb="grant withdrawn", obj=grant, case_id=grant.case_id, now=now)
    leave_notices(
        recipients=holders(asked_next, grant.project.managed_by_id),
        key=f"grant-withdrawn:{grant.pk}",
        text=gettext_noop("The request for a grant was withdrawn: case %s."),
        words=(grant.case.reference,),
        url=f"/grants/{grant.pk}/",
        now=now,
    )
    return grant


def _check_purpose(purpose: str, plan: Plan) -> None:
    """Raise ValidationError where the purpose is empty or contains the name or a number: deciders see no name."""
    if not purpose.strip():
        raise ValidationError({"purpose": _("Say what it is for.")})
    beneficiary = plan.case.beneficiary
    if rules.contains_name(
        purpose,
        (beneficiary.first_name, beneficiary.middle_name, beneficiary.second_name, beneficiary.name_ne),
    ):
        raise ValidationError({"purpose": _("Leave the name out: those who decide see the case reference.")})
    if rules.contains_number(purpose):
        raise ValidationError({"purpose": _("Leave telephone and identity numbers out.")})


@transaction.atomic
def pay_instalment(
    *, grant: Grant, amount_npr: Decimal, voucher: str, paid_on: date, by, now: datetime
) -> Instalment:
    """Pay a part of an approved grant and post it to the ledger; the first part schedules follow-ups."""
    grant = _locked_for("pay", grant, by)
    paid = Instalment.objects.visible_to(by).filter(grant=grant)
    so_far = paid.aggregate(total=Sum("amount_npr"))["total"] or Decimal(0)
    _check_payment(grant, amount_npr, so_far, paid.count(), paid_on, now)
    if not voucher.strip():
        raise ValidationError({"voucher": _("Give the number of the voucher.")})
    instalment = Instalment(
        case_id=grant.case_id,
        grant=grant,
        number=paid.count() + 1,
        amount_npr=amount_npr,
        state=InstalmentState.PAID,
        planned_by=by,
        planned_at=now,
        paid_by=by,
        paid_on=paid_on,
        paid_at=now,
        voucher=voucher.strip(),
    )
    instalment.save(force_insert=True)
    post_expense(
        budget_line=grant.budget_line,
        organisation=grant.project.managed_by,
        amount_npr=amount_npr,
        on=paid_on,
        source_kind="instalment",
        source_id=instalment.pk,
        by=by,
        now=now,
    )
    if so_far + amount_npr == grant.amount_npr:
        grant.state = GrantState.PAID
        _save(grant, "state")
    if instalment.number == 1:
        schedule_follow_ups(
            case_id=grant.case_id,
            project=grant.project,
            starts=FollowUpStart.GRANT_PAID,
            on=paid_on,
            by=by,
            now=now,
        )
    audit.record(by=by, verb="instalment paid", obj=instalment, case_id=grant.case_id, now=now)
    _notify_requester(
        grant, f"instalment-paid:{instalment.pk}", gettext_noop("An instalment was paid: case %s."), now
    )
    return instalment


def _check_payment(
    grant: Grant, amount_npr: Decimal, so_far: Decimal, count: int, paid_on: date, now: datetime
) -> None:
    left = grant.amount_npr - so_far
    if amount_npr <= 0:
        raise ValidationError({"amount_npr": _("The amount must be more than 0.")})
    if amount_npr > left:
        raise ValidationError(
            {
                "amount_npr": _("Of this grant NPR %s is left: an instalment can't be more than that.")
                % shown_amount(left)
            }
        )
    if count + 1 > grant.project.grant_instalments_max:
        raise ValidationError(
            _("This programme pays a grant in at most %s instalments.") % grant.project.grant_instalments_max
        )
    if count + 1 == grant.project.grant_instalments_max and amount_npr < left:
        raise ValidationError(
            {
                "amount_npr": _("This is the last instalment: it must be all that is left, NPR %s.")
                % shown_amount(left)
            }
        )
    approved_on = grant.approved_at and grant.approved_at.astimezone(now.tzinfo).date()
    follows = [(approved_on, rules.BEFORE_APPROVAL)]
    problem = days.record_problem(paid_on, today=now.date(), follows=follows)
    if problem:
        raise ValidationError({"paid_on": problem})


def _locked_for(action: str, grant: Grant, by) -> Grant:
    """Return the grant, locked, if this user may do this action now.

    Raises PermissionDenied without access or permission, and otherwise GrantActionRefused with the reason.
    """
    found = (
        Grant.objects.editable_by(by)
        .select_related("case", "project__managed_by", "budget_line", "requested_by")
        .select_for_update(of=("self",))
        .filter(pk=grant.pk)
        .first()
    )
    if found is None:
        raise PermissionDenied
    permissions = queries.grant_permissions(found, by)
    needed = rules.ACTIONS[action].permission
    if needed is not None and needed not in permissions:
        raise PermissionDenied
    involved = queries.involved_in(found)
    if action in rules.ONLY and involved[rules.ONLY[action]] != by.pk:
        raise PermissionDenied
    if found.state not in rules.ACTIONS[action].sources:
        raise GrantActionRefused(
            _("The grant is now in this state: %(state)s.") % {"state": found.get_state_display().lower()}
        )
    open_actions = rules.actions_for(
        state=found.state, permissions=permissions, user_id=by.pk, involved=involved
    )
    if action not in open_actions:
        raise GrantActionRefused(
            _("Another user must do this: you requested this grant or decided on it before.")
        )
    return found


def _save(grant: Grant, *fields: str) -> None:
    grant.version += 1
    grant.save(update_fields=[*fields, "version"])


def _set_changed_on(grant: Grant, by, now: datetime) -> None:
    audit.update_and_record(Case.objects.editable_by(by).filter(pk=grant.case_id), changed_on=now.date())


def _notify(permission: Permission, grant: Grant, text: str, now: datetime) -> None:
    """Leave a notice with all users who may do the next step."""
    leave_notices(
        recipients=holders(permission, grant.project.managed_by_id),
        key=f"{permission}:{grant.pk}",
        text=text,
        words=(grant.case.reference,),
        url=f"/grants/{grant.pk}/",
        now=now,
    )


def _notify_requester(grant: Grant, key: str, text: str, now: datetime) -> None:
    """Notify the requester while they work for the lead or the programme; else users of the lead."""
    sides = (grant.case.lead_organisation_id, grant.project.managed_by_id)
    leave_notices(
        recipients=recipients_about_work("grants", grant.requested_by, *sides),
        key=key,
        text=text,
        words=(grant.case.reference,),
        url="/grants/",
        now=now,
    )


def notify_of_new_lead(*, case: Case, receiver: Organisation, by, now: datetime) -> None:
    """Notify who decides next on the case's grants that another organisation leads it.

    Called through the hook `beneficiaries.hooks.case_transferring`.
    """
    running = Grant.objects.visible_to(by).filter(case=case, state__in=NEXT)
    for grant in running.select_related("project", "case"):
        leave_notices(
            recipients=holders(NEXT[GrantState(grant.state)], grant.project.managed_by_id),
            key=f"new-lead:{receiver.code}:{grant.pk}",
            text=gettext_noop("Another organisation leads case %s now; a grant of it waits for you."),
            words=(case.reference,),
            url=f"/grants/{grant.pk}/",
            now=now,
        )
