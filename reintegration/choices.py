"""Codes of plans, grants, follow-ups and reminders."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Livelihood(models.TextChoices):
    TEA_SHOP = "tea_shop", _("Tea shop")
    GROCERY = "grocery", _("Small grocery shop")
    TAILORING = "tailoring", _("Tailoring shop")
    FARMING = "farming", _("Agro-based farming")
    LIVESTOCK = "livestock", _("Livestock")
    JOB = "job", _("A job")
    TRAINING = "training", _("Training")
    SCHOOL = "school", _("School")
    OTHER = "other", _("Something else")


class GrantState(models.TextChoices):
    REQUESTED = "requested", _("Requested")
    ENDORSED = "endorsed", _("Endorsed")
    APPROVED = "approved", _("Approved")
    PAID = "paid", _("Paid in full")
    REFUSED = "refused", _("Refused")


class InstalmentState(models.TextChoices):
    PLANNED = "planned", _("Planned")
    PAID = "paid", _("Paid")


class FollowUpOutcome(models.TextChoices):
    SEEN = "seen", _("Seen or spoken to")
    NOT_FOUND = "not_found", _("Could not be found")
    DECLINED = "declined", _("Did not want to be visited")


class Wellbeing(models.TextChoices):
    GOOD = "good", _("Doing well")
    FAIR = "fair", _("Getting by")
    POOR = "poor", _("In difficulty")
    DANGER = "danger", _("In danger")
    UNKNOWN = "unknown", _("Not known")
