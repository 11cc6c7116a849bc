"""Reintegration plans."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from beneficiaries.choices import Level
from beneficiaries.models import CaseLinked, Enrolment
from beneficiaries.models.access import CasePolicy
from beneficiaries.models.change import Change
from core.constraints import on_record
from core.encrypted_fields import EncryptedTextField
from core.record_fields import RecordField
from reintegration.choices import Livelihood


class Plan(CaseLinked):
    """A reintegration plan: the livelihood that the beneficiary wants, and the steps to it."""

    enrolment = models.ForeignKey(Enrolment, on_delete=models.PROTECT, related_name="plans")
    livelihood = models.CharField(_("livelihood"), max_length=20, choices=Livelihood)
    goal = EncryptedTextField(_("what the person wants to achieve"), max_length=3000)
    steps = EncryptedTextField(_("steps agreed"), max_length=5000, blank=True)
    agreed_on = models.DateField(_("agreed on"))
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    record_fields = {
        "livelihood": RecordField(_("Livelihood"), ("livelihood",), needs_reason=True),
        "goal": RecordField(
            _("What the person wants to achieve"), ("goal",), needs_reason=True, is_erased=True
        ),
        "steps": RecordField(_("Steps agreed"), ("steps",), needs_reason=True, is_erased=True),
    }
    system_columns = ("id", "case_id", "enrolment_id", "agreed_on", "by_id", "at", "version")
    audit_events = {"plan agreed": _("Agreed on a plan"), "plan corrected": _("Corrected a plan")}
    access_policy = CasePolicy(
        read=Level.WORKING,
        insert=Level.WORKING,
        update=Level.WORKING,
        delete=None,
        because="the beneficiary's own words and wishes; approvers see amounts",
    )

    class Meta(CaseLinked.Meta):
        abstract = False
        ordering = ["-agreed_on", "id"]
        constraints = [
            *CaseLinked.Meta.constraints,
            models.UniqueConstraint(fields=["enrolment"], name="reintegration_plan_once_an_enrolment"),
            on_record("reintegration_plan_agreed_by_then", "agreed_on", at="at"),
        ]


class PlanChange(Change, CaseLinked):
    """A field of a plan that was corrected."""

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="changes")

    access_policy = CasePolicy(
        read=Level.WORKING,
        insert=Level.WORKING,
        update=None,
        delete=None,
        because="who works on the case corrects the plan, and reads what was corrected in it",
    )

    class Meta(CaseLinked.Meta):
        abstract = False
        ordering = ["-at", "-version", "field"]
        constraints = [
            *CaseLinked.Meta.constraints,
            models.UniqueConstraint(
                fields=["plan", "version", "field"], name="reintegration_plan_changed_once"
            ),
        ]
