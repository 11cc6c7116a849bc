"""Codes of plans, grants, follow-ups and reminders."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from projects.choices import FollowUpKind


class Livelihood(models.TextChoices):
    """The livelihood that a plan aims at."""

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
    """The state of a grant."""

    REQUESTED = "requested", _("Requested")
    ENDORSED = "endorsed", _("Endorsed")
    APPROVED = "approved", _("Approved")
    PAID = "paid", _("Paid in full")
    REFUSED = "refused", _("Refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class InstalmentState(models.TextChoices):
    """The state of an instalment."""

    PLANNED = "planned", _("Planned")
    PAID = "paid", _("Paid")


# A follow-up that a high risk requires; the other kinds are scheduled by programmes.
SAFETY = "safety"
FOLLOW_UP_KINDS = [*FollowUpKind.choices, (SAFETY, _("Safety step"))]
SAFETY_LABELS = {
    "label_en": "Make sure that the person is safe today",
    "label_ne": "उहाँ आज सुरक्षित हुनुहुन्छ भनी पक्का गर्नुहोस्",
}
# A visit that was recorded long before the due one and doesn't count as it.
EXTRA = "extra"
EXTRA_LABELS = {"label_en": "Extra visit or call", "label_ne": "थप भेट वा फोन"}


class FollowUpOutcome(models.TextChoices):
    """The result of a visit, call or review."""

    SEEN = "seen", _("Seen or spoken to")
    NOT_FOUND = "not_found", _("Could not be found")
    DECLINED = "declined", _("Did not want to be visited")


class Wellbeing(models.TextChoices):
    """How the beneficiary is doing."""

    GOOD = "good", _("Doing well")
    FAIR = "fair", _("Getting by")
    POOR = "poor", _("In difficulty")
    DANGER = "danger", _("In danger")
    UNKNOWN = "unknown", _("Not known")
