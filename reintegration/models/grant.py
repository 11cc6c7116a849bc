"""Grants: requested, endorsed, approved and paid by different users. All amounts in NPR."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from beneficiaries.choices import Level
from beneficiaries.models import CaseLinked
from beneficiaries.models.access import CasePolicy
from core.constraints import on_record
from projects.models import BudgetLine, Project
from reintegration.choices import GrantState, InstalmentState, Livelihood
from reintegration.models.plan import Plan


class Grant(CaseLinked):
    """A grant: amounts, and a purpose that names nobody.

    The trigger `grant_transition` (reintegration/sql) enforces what may change, and by whom.
    """

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="grants")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    budget_line = models.ForeignKey(BudgetLine, on_delete=models.PROTECT, related_name="+")
    livelihood = models.CharField(_("for"), max_length=20, choices=Livelihood)
    purpose = models.CharField(_("what it is for"), max_length=300, blank=True)
    amount_npr = models.DecimalField(_("amount, NPR"), max_digits=12, decimal_places=2)
    ceiling_npr = models.DecimalField(max_digits=12, decimal_places=2)
    state = models.CharField(_("state"), max_length=10, choices=GrantState, default=GrantState.REQUESTED)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    endorsed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    endorsed_at = models.DateTimeField(null=True)
    approved_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    refused_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    refused_at = models.DateTimeField(null=True)
    refusal = models.CharField(_("why it was refused"), max_length=500, blank=True)
    withdrawn_at = models.DateTimeField(null=True)  # by whoever asked for it
    version = models.PositiveIntegerField(default=1)

    audit_events = {
        "grant requested": _("Requested a grant"),
        "grant endorsed": _("Endorsed a grant"),
        "grant approved": _("Approved a grant"),
        "grant refused": _("Refused a grant"),
        "grant withdrawn": _("Withdrew the request for a grant"),
    }
    access_policy = CasePolicy(
        read=Level.SUMMARY,
        insert=Level.WORKING,
        update=Level.SUMMARY,
        delete=None,
        because="approvers and finance decide on a case reference and amounts, without a name",
        programme="project",
    )

    class Meta(CaseLinked.Meta):
        abstract = False
        ordering = ["-requested_at", "id"]
        constraints = [
            *CaseLinked.Meta.constraints,
            models.CheckConstraint(name="reintegration_grant_positive", condition=Q(amount_npr__gt=0)),
            models.CheckConstraint(
                name="reintegration_grant_within_ceiling", condition=Q(amount_npr__lte=F("ceiling_npr"))
            ),
            models.CheckConstraint(
                name="reintegration_grant_endorser_is_another",
                condition=Q(endorsed_by=None) | ~Q(endorsed_by=F("requested_by")),
            ),
            models.CheckConstraint(
                name="reintegration_grant_approver_is_another",
                condition=Q(approved_by=None)
                | (~Q(approved_by=F("requested_by")) & ~Q(approved_by=F("endorsed_by"))),
            ),
            models.CheckConstraint(
                name="reintegration_grant_approved_was_endorsed",
                condition=~Q(state__in=["approved", "paid"]) | (~Q(endorsed_by=None) & ~Q(approved_by=None)),
            ),
            models.CheckConstraint(
                name="reintegration_grant_refusal_has_reason",
                condition=~Q(state="refused") | (~Q(refused_by=None) & ~Q(refusal="")),
            ),
            models.CheckConstraint(
                name="reintegration_grant_withdrawn_has_moment",
                condition=Q(state="withdrawn", withdrawn_at__isnull=False)
                | (~Q(state="withdrawn") & Q(withdrawn_at=None)),
            ),
            models.UniqueConstraint(
                fields=["plan"],
                name="reintegration_grant_one_open_a_plan",
                condition=~Q(state__in=["refused", "withdrawn"]),
            ),
        ]
        indexes = [models.Index(fields=["state", "-requested_at"])]


class Instalment(CaseLinked):
    """A part of a grant. Paid once, by a user who neither requested the grant nor approved it."""

    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="instalments")
    number = models.PositiveSmallIntegerField()
    amount_npr = models.DecimalField(_("amount, NPR"), max_digits=12, decimal_places=2)
    state = models.CharField(max_length=10, choices=InstalmentState, default=InstalmentState.PLANNED)
    planned_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    planned_at = models.DateTimeField()
    paid_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    paid_on = models.DateField(null=True)
    paid_at = models.DateTimeField(null=True)
    voucher = models.CharField(_("voucher number"), max_length=60, blank=True)

    audit_events = {"instalment paid": _("Paid an instalment")}
    access_policy = CasePolicy(
        read=Level.SUMMARY,
        insert=Level.SUMMARY,
        update=Level.SUMMARY,
        delete=None,
        because="amounts; planned at approval, paid by finance",
        programme="grant__project",
    )

    class Meta(CaseLinked.Meta):
        abstract = False
        ordering = ["grant", "number", "id"]
        constraints = [
            *CaseLinked.Meta.constraints,
            models.CheckConstraint(name="reintegration_instalment_positive", condition=Q(amount_npr__gt=0)),
            models.UniqueConstraint(fields=["grant", "number"], name="reintegration_instalment_number_once"),
            on_record("reintegration_instalment_paid_by_then", "paid_on", at="paid_at"),
            models.CheckConstraint(
                name="reintegration_instalment_paid_says_by_whom",
                condition=(Q(state="planned") & Q(paid_by=None) & Q(paid_on=None))
                | (Q(state="paid") & ~Q(paid_by=None) & ~Q(paid_on=None) & ~Q(voucher="")),
            ),
        ]
