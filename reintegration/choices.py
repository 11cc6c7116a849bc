"""Codes of plans, grants, follow-ups and reminders, and texts for the audit log."""

from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

from projects.choices import FollowUpKind

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


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


# The text for each audit event, by its verb.
EVENTS: dict[str, "StrOrPromise"] = {
    "access ended": _("Ended all access of a user"),
    "account opened": _("Reopened an account"),
    "admission decided": _("Decided on admission"),
    "beneficiary corrected": _("Corrected a person’s details"),
    "case closed": _("Closed a case"),
    "case file corrected": _("Corrected the situation of a case"),
    "changed": _("Changed data"),
    "identity document added": _("Recorded an identity document"),
    "identity document corrected": _("Corrected an identity document"),
    "list read": _("Read a list of people"),
    "offer read": _("Read a transfer offer"),
    "row read": _("Read data through the API"),
    "unusual reading told": _("Notified a supervisor of unusual reading"),
    "referral read": _("Read a referral"),
    "case declined": _("Declined a transfer"),
    "case file read": _("Read a case file"),
    "case transferred": _("Transferred a case"),
    "case offered": _("Offered to transfer a case"),
    "case opened": _("Opened a case"),
    "case reassigned": _("Changed the caseworker of a case"),
    "cases of nobody told": _("Notified a supervisor of cases that nobody works on"),
    "case taken over": _("Took over a case"),
    "case taken_back": _("Withdrew a transfer offer"),
    "cases imported": _("Imported cases"),
    "configuration read": _("Looked at the configuration"),
    "configuration removed": _("Removed something from the configuration"),
    "configuration saved": _("Changed the configuration"),
    "consent corrected": _("Corrected an answer about consent"),
    "consent recorded": _("Recorded an answer about consent"),
    "consent withdrawn": _("Recorded that consent was withdrawn"),
    "criteria revised": _("Changed the criteria of a programme"),
    "denied": _("Was not allowed"),
    "document added": _("Added a document or photo"),
    "document read": _("Opened a document or photo"),
    "document scanned": _("A file was checked for viruses"),
    "document deleted": _("Deleted a document or photo"),
    "export agreed": _("Approved the export of a long list"),
    "export asked": _("Requested an export"),
    "export expired": _("The file of an export was deleted"),
    "export failed": _("An export failed"),
    "export fetched": _("Downloaded an export"),
    "export password read": _("Saw the password of an export"),
    "export read": _("Looked at an export"),
    "export refused": _("Refused the export of a long list"),
    "export written": _("The file of an export was prepared"),
    "exports read": _("Looked at the list of exports"),
    "follow-up recorded": _("Recorded a follow-up"),
    "follow-ups scheduled": _("Scheduled follow-ups"),
    "geography loaded": _("Loaded place names"),
    "grant approved": _("Approved a grant"),
    "grant endorsed": _("Endorsed a grant"),
    "grant refused": _("Refused a grant"),
    "grant requested": _("Requested a grant"),
    "grant withdrawn": _("Withdrew the request for a grant"),
    "transfer refused by the beneficiary": _("Recorded that the person did not agree to a transfer"),
    "harmful file refused": _("Tried to upload a file with a virus"),
    "harmful file deleted": _("A file was deleted because a virus was found in it"),
    "instalment paid": _("Paid an instalment"),
    "interview discarded": _("Deleted an unfinished interview"),
    "interview expired": _("An unfinished interview was deleted because its time was over"),
    "interview kept": _("Decided to keep an unfinished interview"),
    "interview reassigned": _("Assigned an unfinished interview to another user"),
    "interview refused": _("Recorded that a person who may be at risk refused an interview"),
    "interview started": _("Started a first interview"),
    "invitation sent": _("Sent an invitation"),
    "log read": _("Read the audit log"),
    "membership removed": _("Removed a role that starts today or later"),
    "membership saved": _("Gave a role or changed its dates"),
    "note written": _("Wrote a note"),
    "opened in an emergency": _("Opened a file in an emergency"),
    "organisation saved": _("Saved an organisation"),
    "password changed": _("Changed their own password"),
    "password chosen": _("Chose a first password"),
    "password reset": _("Chose a new password through a link"),
    "password reset asked": _("A link for a new password was requested"),
    "phase started": _("Started a new phase of a programme"),
    "beneficiary erased": _("Erased a person's data"),
    "plan agreed": _("Agreed on a plan"),
    "programme loaded": _("Loaded a programme"),
    "recovery code used": _("Used a recovery code"),
    "recovery codes made": _("Made new recovery codes"),
    "referral accepted": _("Accepted a referral"),
    "referral declined": _("Declined a referral"),
    "referral finished": _("Finished a referral"),
    "referral sent": _("Sent a referral"),
    "reminder sent": _("Was sent a reminder"),
    "risk assessed": _("Assessed the risk level"),
    "role tailored": _("Changed what a role may do"),
    "programmes chosen": _("Chose the programmes whose amounts a role sees"),
    "screening recorded": _("Recorded answers to screening questions"),
    "second factor added": _("Added a second step for signing in"),
    "second factor removed": _("Removed a second step for signing in"),
    "second factor reset": _("Removed another user's second step"),
    "sessions ended": _("Ended sessions"),
    "sign-in failed": _("Failed to sign in"),
    "signed in": _("Signed in"),
    "signed out": _("Signed out"),
    "token created": _("Created a token for a program"),
    "access asked": _("Requested access that a second user must approve"),
    "access approved": _("Approved a request for access"),
    "access refused": _("Refused a request for access"),
    "access stopped": _("Stopped a request for access"),
    "access given": _("Put approved access into effect"),
    "token confirmed": _("Confirmed a token for a program"),
    "tokens revoked": _("Revoked the tokens of a user"),
    "work handed over": _("Chose who takes over the work of a user"),
    "user saved": _("Saved a user"),
}
# Labels of the details that the log shows (core.audit.shown_detail); their values are codes and numbers.
DETAILS: dict[str, "StrOrPromise"] = {
    "code": _("code"),
    "confidentiality": _("confidentiality"),
    "count": _("how many"),
    "decision": _("decision"),
    "fields": _("fields"),
    "filters": _("filters"),
    "format": _("format"),
    "from": _("from"),
    "given": _("agreed"),
    "method": _("method"),
    "new": _("new"),
    "of": _("of"),
    "organisation": _("organisation"),
    "page": _("page"),
    "outcome": _("outcome"),
    "path": _("address"),
    "permissions": _("may now do"),
    "programmes": _("now sees the amounts of"),
    "project": _("programme"),
    "purpose": _("purpose"),
    "receiver": _("receiver"),
    "refused": _("refused"),
    "role": _("role"),
    "rows": _("rows"),
    "status": _("answer"),
    "user": _("user"),
    "version": _("version"),
}
