"""Programmes: donors, partners, criteria, indicators and budget."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from guardian.models import GroupObjectPermissionBase

from accounts.choices import GRANT_DECISIONS, Permission
from accounts.models import ALL, Organisation
from core.access import AccessPolicy, Open, Principal, ScopedQuerySet
from core.constraints import not_before, on_record
from core.names import NameField
from projects.choices import FollowUpKind, FollowUpStart, ServiceAbout, Unit

CONFIGURATION = Open(ALL, "configuration: a programme's definition, written by administrators")


class Configured(models.Model):
    """An object with a code and a name in two languages."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    code = models.SlugField(_("code"), max_length=40)
    name_en = NameField(_("name in English"), max_length=300)
    name_ne = NameField(_("name in Nepali"), max_length=300, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name in the language of the page."""
        return self.name_ne if get_language() == "ne" and self.name_ne else self.name_en


class Donor(Configured):
    """An organisation that pays for programmes."""

    access_policy = CONFIGURATION

    class Meta:
        ordering = ["code"]
        verbose_name = _("donor")
        verbose_name_plural = _("donors")
        constraints = [models.UniqueConstraint(fields=["code"], name="projects_donor_code_once")]


class ProjectQuerySet(models.QuerySet):
    """Queries on programmes."""

    def running(self, on):
        """Return programmes whose period includes this day."""
        return self.filter(starts_on__lte=on, ends_on__gte=on)


class Project(Configured):
    """One programme, or one phase of it."""

    summary_en = models.TextField(_("summary in English"), blank=True)
    summary_ne = models.TextField(_("summary in Nepali"), blank=True)
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"))
    phase_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="phases"
    )
    managed_by = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="managed_projects")
    countries = ArrayField(
        models.CharField(max_length=2), verbose_name=_("countries"), default=list, blank=True
    )
    districts = ArrayField(
        models.CharField(max_length=3), verbose_name=_("districts"), default=list, blank=True
    )
    target_groups = ArrayField(
        models.CharField(max_length=40), verbose_name=_("for whom"), default=list, blank=True
    )
    grant_ceiling_npr = models.DecimalField(
        _("maximum amount of one grant, NPR"), max_digits=12, decimal_places=2, null=True, blank=True
    )
    grant_instalments_max = models.PositiveSmallIntegerField(_("maximum number of instalments"), default=3)
    definition_digest = models.CharField(max_length=64, blank=True, editable=False)

    audit_events = {
        "programme loaded": _("Loaded a programme"),
        "phase started": _("Started a new phase of a programme"),
    }
    access_policy = CONFIGURATION
    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_on", "code"]
        verbose_name = _("programme")
        verbose_name_plural = _("programmes")
        default_permissions = ()
        permissions = [(Permission.READ_SUMMARIES.value, Permission.READ_SUMMARIES.label)]
        constraints = [
            models.UniqueConstraint(fields=["code"], name="projects_project_code_once"),
            models.CheckConstraint(name="projects_project_period", condition=Q(ends_on__gte=F("starts_on"))),
            not_before("projects_project_after_1900", "starts_on"),
            models.CheckConstraint(
                name="projects_project_ceiling_positive",
                condition=Q(grant_ceiling_npr=None) | Q(grant_ceiling_npr__gt=0),
            ),
        ]

    @property
    def summary(self) -> str:
        """The summary in the language of the page."""
        return self.summary_ne if get_language() == "ne" and self.summary_ne else self.summary_en


class ProjectGroupPermission(GroupObjectPermissionBase):
    """A role sees references and aggregates of one programme that its organisation manages (see projects/sql)."""

    content_object = models.ForeignKey(Project, on_delete=models.CASCADE)

    audit_events = {"programmes chosen": _("Chose the programmes whose amounts a role sees")}
    access_policy = Open(ALL, "a few rows a role, written by administrators")

    class Meta(GroupObjectPermissionBase.Meta):
        abstract = False


class ProjectDonor(models.Model):
    """A donor of a programme."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="project_donors")
    donor = models.ForeignKey(Donor, on_delete=models.PROTECT, related_name="project_donors")

    access_policy = CONFIGURATION

    class Meta:
        ordering = ["project", "donor", "id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "donor"], name="projects_donor_once_a_project")
        ]

    def __str__(self) -> str:
        return self.donor.name


class ProjectPartner(models.Model):
    """An organisation that takes part, and what it does."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="partners")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="partnerships")
    does_en = models.CharField(_("what it does, in English"), max_length=400, blank=True)
    does_ne = models.CharField(_("what it does, in Nepali"), max_length=400, blank=True)

    access_policy = CONFIGURATION

    class Meta:
        ordering = ["project", "organisation", "id"]
        verbose_name = _("partner")
        verbose_name_plural = _("partners")
        constraints = [
            models.UniqueConstraint(
                fields=["project", "organisation"], name="projects_partner_once_a_project"
            )
        ]

    def __str__(self) -> str:
        return self.organisation.name

    @property
    def does(self) -> str:
        """What it does, in the language of the page."""
        return self.does_ne if get_language() == "ne" and self.does_ne else self.does_en


class ServiceType(Configured):
    """A service for one beneficiary, or an activity that isn't about one beneficiary."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="service_types")
    about = models.CharField(_("about"), max_length=10, choices=ServiceAbout, default=ServiceAbout.PERSON)
    ceiling_npr = models.DecimalField(
        _("ceiling, NPR"), max_digits=12, decimal_places=2, null=True, blank=True
    )

    access_policy = CONFIGURATION

    class Meta:
        ordering = ["project", "code"]
        verbose_name = _("service type")
        verbose_name_plural = _("service types")
        constraints = [models.UniqueConstraint(fields=["project", "code"], name="projects_service_code_once")]


class Criteria(models.Model):
    """One version of a programme's criteria. Never changed: an edit adds the next version."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="criteria")
    version = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    tree = models.JSONField()
    digest = models.CharField(max_length=64)
    made_at = models.DateTimeField(default=timezone.now)

    audit_events = {"criteria revised": _("Changed the criteria of a programme")}
    access_policy = Open(("SELECT", "INSERT"), "configuration: versions are added and never changed")

    class Meta:
        ordering = ["project", "-version"]
        verbose_name = _("criteria")
        verbose_name_plural = _("criteria")
        constraints = [
            models.UniqueConstraint(fields=["project", "version"], name="projects_criteria_version_once"),
            models.CheckConstraint(
                name="projects_criteria_version_counts_from_1", condition=Q(version__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project.code} {self.version}"


class Indicator(models.Model):
    """What a programme promised to measure. Reports compute it by its key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="indicators")
    key = models.SlugField(_("key"), max_length=60)
    label_en = models.CharField(_("label in English"), max_length=300)
    label_ne = models.CharField(_("label in Nepali"), max_length=300, blank=True)
    unit = models.CharField(_("unit"), max_length=10, choices=Unit)
    target = models.DecimalField(_("target"), max_digits=14, decimal_places=2, null=True, blank=True)
    source = models.CharField(_("source"), max_length=20, blank=True)

    access_policy = CONFIGURATION

    class Meta:
        ordering = ["project", "key"]
        verbose_name = _("indicator")
        verbose_name_plural = _("indicators")
        constraints = [models.UniqueConstraint(fields=["project", "key"], name="projects_indicator_key_once")]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The label in the language of the page."""
        return self.label_ne if get_language() == "ne" and self.label_ne else self.label_en


class FollowUpInterval(models.Model):
    """After how many days from which event a follow-up is due."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="follow_up_intervals")
    code = models.SlugField(_("code"), max_length=40)
    label_en = models.CharField(_("label in English"), max_length=200)
    label_ne = models.CharField(_("label in Nepali"), max_length=200, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=FollowUpKind)
    starts = models.CharField(_("counted from"), max_length=20, choices=FollowUpStart)
    after_days = models.PositiveIntegerField(_("after how many days"))

    access_policy = CONFIGURATION

    class Meta:
        ordering = ["project", "starts", "after_days", "code"]
        verbose_name = _("follow-up interval")
        verbose_name_plural = _("follow-up intervals")
        constraints = [
            models.UniqueConstraint(fields=["project", "code"], name="projects_interval_code_once")
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The label in the language of the page."""
        return self.label_ne if get_language() == "ne" and self.label_ne else self.label_en


class BudgetLine(Configured):
    """The money of a programme for one purpose, in NPR."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="budget_lines")
    amount_npr = models.DecimalField(_("amount, NPR"), max_digits=14, decimal_places=2)
    pays_grants = models.BooleanField(_("pays grants"), default=False)

    access_policy = CONFIGURATION

    class Meta:
        ordering = ["project", "code"]
        verbose_name = _("budget line")
        verbose_name_plural = _("budget lines")
        constraints = [
            models.UniqueConstraint(fields=["project", "code"], name="projects_budget_line_code_once"),
            models.CheckConstraint(name="projects_budget_line_not_negative", condition=Q(amount_npr__gte=0)),
        ]


def _summed_up_for(principal: Principal) -> Q:
    of_projects = BudgetLine.objects.filter(
        principal.in_projects("project", Permission.READ_SUMMARIES), pk=OuterRef("budget_line")
    )
    return principal.in_organisations("organisation", Permission.READ_SUMMARIES) | Q(Exists(of_projects))


class LedgerEntry(models.Model):
    """A payment in NPR. Added and never changed; one for each source."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    budget_line = models.ForeignKey(BudgetLine, on_delete=models.PROTECT, related_name="entries")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    amount_npr = models.DecimalField(max_digits=12, decimal_places=2)
    posted_on = models.DateField()
    posted_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    posted_at = models.DateTimeField(default=timezone.now)
    source_kind = models.CharField(max_length=40)
    source_id = models.UUIDField()

    access_policy = AccessPolicy(
        read=_summed_up_for,
        insert=lambda principal: principal.in_organisations("organisation", *GRANT_DECISIONS),
        update=None,
        delete=None,
        because="for summary access to the organisation that manages the project, or to the programme; entries "
        "never change",
    )
    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ["-posted_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["source_kind", "source_id"], name="projects_ledger_source_once"),
            models.CheckConstraint(name="projects_ledger_amount_positive", condition=Q(amount_npr__gt=0)),
            on_record("projects_ledger_posted_by_then", "posted_on", at="posted_at"),
        ]
