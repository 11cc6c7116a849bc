"""Visits, calls and reviews that are due, and reminders of them."""

from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from beneficiaries.choices import CaseStatus, Level
from beneficiaries.models import CaseLinked, CaseLinkedQuerySet
from beneficiaries.models.access import CasePolicy
from beneficiaries.models.change import Change
from core.constraints import on_record
from core.encrypted_fields import EncryptedTextField
from core.record_fields import RecordField
from projects.models import Project
from reintegration.choices import FOLLOW_UP_KINDS, SAFETY, FollowUpOutcome, Wellbeing


class FollowUpQuerySet(CaseLinkedQuerySet):
    """Scope of follow-ups."""

    def open(self):
        """Return follow-ups that are still to be recorded; those of closed cases aren't."""
        return self.filter(done_on=None).exclude(case__status=CaseStatus.CLOSED)

    def seen(self):
        """Return those in which the beneficiary was seen or spoken to: programmes count these as done."""
        return self.filter(outcome=FollowUpOutcome.SEEN)

    def not_lapsed(self):
        """Return all but those that were open when their case was closed."""
        return self.exclude(done_on=None, case__status=CaseStatus.CLOSED)


class FollowUp(CaseLinked):
    """One attempt at a visit, call or review that is due, or at a safety step, which alone has no programme.

    `origin` says what it was scheduled from; a failed attempt is followed by the next one of the same origin.
    `counted_from` is the day from which a programme counts; `due_on` of the first attempt follows from it.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    origin = models.CharField(max_length=100)
    label_en = models.CharField(max_length=200)
    label_ne = models.CharField(max_length=200, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=FOLLOW_UP_KINDS)
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=1)
    counted_from = models.DateField(_("counted from"), null=True, blank=True)
    due_on = models.DateField(_("due on"))
    done_on = models.DateField(_("done on"), null=True, blank=True)
    outcome = models.CharField(_("result"), max_length=10, choices=FollowUpOutcome, blank=True)
    wellbeing = models.CharField(_("how the person is"), max_length=10, choices=Wellbeing, blank=True)
    note = EncryptedTextField(_("what was seen and agreed"), max_length=5000, blank=True)
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    recorded_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    record_fields = {
        "done_on": RecordField(_("Done on"), ("done_on",), needs_reason=True),
        "outcome": RecordField(_("Result"), ("outcome",), is_corrected=False),
        "wellbeing": RecordField(_("How the person is"), ("wellbeing",), needs_reason=True),
        "note": RecordField(_("What was seen and agreed"), ("note",), needs_reason=True, is_erased=True),
    }
    system_columns = (
        *("id", "case_id", "project_id", "origin", "label_en", "label_ne", "kind", "attempt", "counted_from"),
        *("due_on", "recorded_by_id", "recorded_at", "version"),
    )
    audit_events = {
        "follow-ups scheduled": _("Scheduled follow-ups"),
        "follow-up recorded": _("Recorded a follow-up"),
        "follow-up corrected": _("Corrected a follow-up"),
    }
    access_policy = CasePolicy(
        read=Level.WORKING,
        insert=Level.SUMMARY,
        update=Level.WORKING,
        delete=None,
        because="only those who work on the case read about visits; paying a grant schedules them",
    )
    objects = FollowUpQuerySet.as_manager()  # type: ignore[misc]  # Django's way to narrow a manager

    class Meta(CaseLinked.Meta):
        abstract = False
        ordering = ["due_on", "id"]
        constraints = [
            *CaseLinked.Meta.constraints,
            models.UniqueConstraint(
                fields=["case", "origin", "attempt"], name="reintegration_follow_up_scheduled_once"
            ),
            models.CheckConstraint(
                name="reintegration_follow_up_attempts_from_one", condition=Q(attempt__gte=1)
            ),
            on_record("reintegration_follow_up_done_by_then", "done_on", at="recorded_at"),
            models.CheckConstraint(
                name="reintegration_follow_up_has_programme", condition=~Q(project=None) | Q(kind=SAFETY)
            ),
            models.UniqueConstraint(
                fields=["case"],
                name="reintegration_follow_up_one_safety_step",
                condition=Q(kind=SAFETY, done_on=None),
            ),
            models.CheckConstraint(
                name="reintegration_follow_up_done_says_by_whom",
                condition=(Q(done_on=None) & Q(outcome="") & Q(recorded_by=None))
                | (~Q(done_on=None) & ~Q(outcome="") & ~Q(recorded_by=None)),
            ),
        ]
        indexes = [models.Index(fields=["due_on"], name="follow_up_open", condition=Q(done_on=None))]

    @property
    def label(self) -> str:
        """The label in the language of the page."""
        return self.label_ne if get_language() == "ne" and self.label_ne else self.label_en


class FollowUpChange(Change, CaseLinked):
    """A field of a recorded follow-up that was corrected."""

    follow_up = models.ForeignKey(FollowUp, on_delete=models.PROTECT, related_name="changes")

    access_policy = CasePolicy(
        read=Level.WORKING,
        insert=Level.WORKING,
        update=None,
        delete=None,
        because="who works on the case corrects what was recorded, and reads what was corrected",
    )

    class Meta(CaseLinked.Meta):
        abstract = False
        ordering = ["-at", "-version", "field"]
        constraints = [
            *CaseLinked.Meta.constraints,
            models.UniqueConstraint(
                fields=["follow_up", "version", "field"], name="reintegration_follow_up_changed_once"
            ),
        ]


class Reminder(CaseLinked):
    """Notifies the caseworker that a follow-up is due; one for each due day."""

    follow_up = models.ForeignKey(FollowUp, on_delete=models.PROTECT, related_name="reminders")
    due_on = models.DateField()
    recipient = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    sent_at = models.DateTimeField(null=True)

    audit_events = {"reminder sent": _("Was sent a reminder")}
    access_policy = CasePolicy(
        read=Level.WORKING,
        insert=Level.SUMMARY,
        update=Level.WORKING,
        delete=None,
        because="added with its follow-up, sent by a background task as the caseworker",
    )

    class Meta(CaseLinked.Meta):
        abstract = False
        ordering = ["due_on", "id"]
        constraints = [
            *CaseLinked.Meta.constraints,
            models.UniqueConstraint(fields=["follow_up", "due_on"], name="reintegration_reminder_once_a_day"),
            models.CheckConstraint(
                name="reintegration_reminder_sent_to_somebody", condition=Q(sent_at=None) | ~Q(recipient=None)
            ),
        ]
        indexes = [models.Index(fields=["due_on"], name="reminder_waiting", condition=Q(sent_at=None))]
