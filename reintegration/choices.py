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
    "access ended": _("Ended all access of a person"),
    "account opened": _("Opened an account again"),
    "admission decided": _("Decided on admission"),
    "case closed": _("Closed a case"),
    "changed": _("Changed rows without another word for it"),
    "list read": _("Read a list of people"),
    "offer read": _("Read the offer of a case"),
    "row read": _("Read a row through the API"),
    "unusual reading told": _("Told a supervisor of unusual reading"),
    "referral read": _("Read a referral"),
    "case declined": _("Declined a case that was offered"),
    "case file read": _("Read a case file"),
    "case transferred": _("Handed a case on"),
    "case offered": _("Offered a case to another organisation"),
    "case opened": _("Opened a case"),
    "case reassigned": _("Gave a case another caseworker"),
    "cases of nobody told": _("Told a supervisor of cases that nobody works on"),
    "case taken over": _("Took a case over"),
    "case taken_back": _("Took back the offer of a case"),
    "cases imported": _("Imported cases"),
    "configuration read": _("Looked at the configuration"),
    "configuration removed": _("Removed something from the configuration"),
    "configuration saved": _("Changed the configuration"),
    "consent recorded": _("Recorded an answer on consent"),
    "consent withdrawn": _("Recorded that consent was withdrawn"),
    "criteria revised": _("Changed the criteria of a programme"),
    "denied": _("Was refused"),
    "document added": _("Added a photo or a paper"),
    "document read": _("Was handed a photo or a paper"),
    "document scanned": _("The virus scanner looked at a file"),
    "document thrown away": _("Threw a photo or a paper away"),
    "export agreed": _("Agreed that a long list is taken out"),
    "export asked": _("Asked to take a list out"),
    "export expired": _("The file of a list that was taken out was destroyed"),
    "export failed": _("A list could not be taken out"),
    "export fetched": _("Fetched a list that was taken out"),
    "export password read": _("Read the password of a list that was taken out"),
    "export read": _("Read how it stands with a list that is taken out"),
    "export refused": _("Refused that a long list is taken out"),
    "export written": _("A list was written to be taken out"),
    "exports read": _("Read which lists are taken out"),
    "follow-up recorded": _("Recorded a follow-up"),
    "follow-ups scheduled": _("Scheduled follow-ups"),
    "geography loaded": _("Loaded names of places"),
    "grant approved": _("Approved a grant"),
    "grant endorsed": _("Endorsed a grant"),
    "grant refused": _("Refused a grant"),
    "grant requested": _("Asked for a grant"),
    "grant withdrawn": _("Withdrew the request for a grant"),
    "transfer refused by the beneficiary": _("Recorded that the person did not agree to be handed on"),
    "harmful file refused": _("Handed in a file in which the virus scanner found harm"),
    "harmful file thrown away": _("A file was thrown away, as the virus scanner found harm in it"),
    "instalment paid": _("Paid an instalment"),
    "interview discarded": _("Deleted an unfinished interview"),
    "interview expired": _("An unfinished interview was deleted, as its time was over"),
    "interview kept": _("Decided that an unfinished interview is kept"),
    "interview reassigned": _("Gave an unfinished interview to another user"),
    "interview refused": _("Recorded that a person who may be at risk refused an interview"),
    "interview started": _("Started a first interview"),
    "invitation sent": _("Sent an invitation"),
    "log read": _("Read the log"),
    "membership removed": _("Took back a role that began today or later"),
    "membership saved": _("Gave a role or changed its dates"),
    "note written": _("Wrote a note"),
    "opened in an emergency": _("Opened a file in an emergency"),
    "organisation saved": _("Saved an organisation"),
    "password changed": _("Changed the own password"),
    "password chosen": _("Chose a first password"),
    "password reset": _("Chose another password by a link"),
    "password reset asked": _("A link for another password was asked for"),
    "phase started": _("Started a new phase of a programme"),
    "beneficiary erased": _("Erased a person"),
    "plan agreed": _("Agreed a plan"),
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
    "programmes chosen": _("Chose the programmes whose figures a role sees"),
    "screening recorded": _("Recorded answers of a screening"),
    "second factor added": _("Added a second step for signing in"),
    "second factor removed": _("Removed a second step for signing in"),
    "second factor reset": _("Took away somebody's second step"),
    "sessions ended": _("Ended sessions"),
    "sign-in failed": _("Failed to sign in"),
    "signed in": _("Signed in"),
    "signed out": _("Signed out"),
    "token created": _("Made a token for a program"),
    "access asked": _("Asked for access, which a second user approves"),
    "access approved": _("Approved access that was asked for"),
    "access refused": _("Refused access that was asked for"),
    "access stopped": _("Stopped a request for access"),
    "access given": _("Brought approved access into effect"),
    "token confirmed": _("Confirmed a token for a program"),
    "tokens revoked": _("Ended the tokens of a person"),
    "work handed over": _("Said who takes over what somebody left behind"),
    "user saved": _("Saved a person who signs in"),
}
# Labels of the details that the log shows (core.audit.shown_detail); their values are codes and numbers.
DETAILS: dict[str, "StrOrPromise"] = {
    "code": _("code"),
    "confidentiality": _("confidentiality"),
    "count": _("how many"),
    "decision": _("decision"),
    "filters": _("narrowed by"),
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
    "permissions": _("may now"),
    "programmes": _("sees now the figures of"),
    "project": _("programme"),
    "purpose": _("purpose"),
    "receiver": _("receiver"),
    "refused": _("refused"),
    "role": _("role"),
    "rows": _("rows"),
    "status": _("answer"),
    "user": _("person"),
    "version": _("version"),
}
