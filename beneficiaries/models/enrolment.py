"""From the screening to the enrolment."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from beneficiaries.choices import AssessmentDecision, AssessmentOutcome, EnrolmentStatus, Level
from beneficiaries.models.access import CasePolicy
from beneficiaries.models.base import CaseLinked
from core.constraints import not_before, on_record
from core.encrypted_fields import EncryptedTextField
from projects.models import Criteria, Project


class Screening(CaseLinked):
    """Answers to a programme's questions: name of a fact to true, false or null (not known). Never changed."""

    answers = models.JSONField()
    answered_on = models.DateField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    audit_events = {"screening recorded": _("Recorded answers to screening questions")}
    access_policy = CasePolicy(
        read=Level.WORKING,
        insert=Level.WORKING,
        update=None,
        delete=None,
        because="answers of the interview; a new answer is a new row",
    )

    class Meta(CaseLinked.Meta):
        abstract = False
        ordering = ["-at", "id"]


class Assessment(CaseLinked):
    """What was known, which criteria applied, the result of each and why. Never changed."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    criteria = models.ForeignKey(Criteria, on_delete=models.PROTECT, related_name="+")
    assessed_on = models.DateField()
    facts = models.JSONField()
    result = models.JSONField()
    outcome = models.CharField(max_length=10, choices=AssessmentOutcome)
    decision = models.CharField(max_length=15, choices=AssessmentDecision)
    reason = EncryptedTextField(_("why"), max_length=2000, blank=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    audit_events = {"admission decided": _("Decided on admission")}
    access_policy = CasePolicy(
        read=Level.WORKING,
        insert=Level.WORKING,
        update=None,
        delete=None,
        because="contains facts about the beneficiary; decisions never change",
    )

    class Meta(CaseLinked.Meta):
        abstract = False
        ordering = ["-at", "id"]
        constraints = [
            *CaseLinked.Meta.constraints,
            models.CheckConstraint(
                name="beneficiaries_assessment_override_has_reason",
                condition=Q(outcome="yes") | ~Q(decision="admitted") | ~Q(reason=""),
            ),
        ]

    @property
    def is_override(self) -> bool:
        """Whether the case was admitted although the criteria aren't met; shown for ever."""
        return self.decision == AssessmentDecision.ADMITTED and self.outcome != AssessmentOutcome.YES


class Enrolment(CaseLinked):
    """A case admitted to a programme. The period is checked by a trigger (beneficiaries/sql)."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="enrolments")
    assessment = models.ForeignKey(Assessment, on_delete=models.PROTECT, related_name="+")
    enrolled_on = models.DateField(_("admitted on"))
    entered_on = models.DateField()
    status = models.CharField(
        _("status"), max_length=10, choices=EnrolmentStatus, default=EnrolmentStatus.ACTIVE
    )
    ended_on = models.DateField(null=True, blank=True)
    is_override = models.BooleanField(default=False)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    access_policy = CasePolicy(
        read=Level.SUMMARY,
        insert=Level.WORKING,
        update=Level.WORKING,
        delete=None,
        because="summary access includes the programmes of a case, but not the assessments",
        programme="project",
    )

    class Meta(CaseLinked.Meta):
        abstract = False
        ordering = ["enrolled_on", "id"]
        constraints = [
            *CaseLinked.Meta.constraints,
            models.UniqueConstraint(
                fields=["case", "project"], name="beneficiaries_enrolment_once_a_project"
            ),
            models.CheckConstraint(
                name="beneficiaries_enrolment_not_in_future", condition=Q(enrolled_on__lte=F("entered_on"))
            ),
            on_record("beneficiaries_enrolment_by_then", "enrolled_on", at="at"),
            not_before("beneficiaries_enrolment_ended_after_it_began", "ended_on", "enrolled_on"),
            models.CheckConstraint(
                name="beneficiaries_enrolment_ended_has_date",
                condition=(Q(status="active") & Q(ended_on=None)) | (~Q(status="active") & ~Q(ended_on=None)),
            ),
        ]

    @property
    def is_backdated(self) -> bool:
        """Whether it was entered later than it happened, from an old file; shown on the page."""
        return self.entered_on > self.enrolled_on
