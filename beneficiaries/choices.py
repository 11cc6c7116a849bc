"""Codes for beneficiaries and cases: terms of HTCDS 2.0 where it has one."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Sex(models.TextChoices):
    """The sex of a beneficiary."""

    FEMALE = "female", _("Female")
    MALE = "male", _("Male")
    OTHER = "other", _("Other")
    UNKNOWN = "unknown", _("Not known")


class IdentityKind(models.TextChoices):
    """What an identity document is."""

    CITIZENSHIP = "citizenship", _("Citizenship certificate")
    PASSPORT = "passport", _("Passport")
    BIRTH = "birth_registration", _("Birth registration certificate")
    NATIONAL_ID = "national_id", _("National identity card")


class IdentityState(models.TextChoices):
    """Whether a beneficiary has an identity document. KEPT: an employer, a trafficker or a relative keeps it."""

    HAS = "has", _("Has it")
    LOST = "lost", _("Lost it")
    KEPT = "kept", _("Somebody else keeps it")
    NEVER = "never", _("Never had one")
    UNKNOWN = "unknown", _("Not known")


# States in which there is a document, with a number and dates.
WITH_IDENTITY = (IdentityState.HAS, IdentityState.LOST, IdentityState.KEPT)


class DatePrecision(models.TextChoices):
    """How much of a date is known."""

    DAY = "day", _("exact day")
    MONTH = "month", _("month")
    YEAR = "year", _("year")
    AGE = "age", _("about an age on a day")


class CaseStatus(models.TextChoices):
    """HTCDS cas_Status."""

    ACTIVE = "active", _("Active")
    FOLLOW_UP = "follow_up", _("Follow-up")
    CLOSED = "closed", _("Closed")


class Risk(models.TextChoices):
    """The risk of harm to a beneficiary."""

    UNKNOWN = "unknown", _("Not assessed")
    LOW = "low", _("Low")
    MEDIUM = "medium", _("Medium")
    HIGH = "high", _("High")


RISK_LEVELS = [choice for choice in Risk.choices if choice[0] != Risk.UNKNOWN]  # what an assessment can say


class RiskSource(models.TextChoices):
    """From what a risk level was assessed."""

    INTAKE = "intake", _("first interview")
    VISIT = "visit", _("visit or call")
    REVIEW = "review", _("review of the case")


class AccessBasis(models.TextChoices):
    """Why an organisation has access to a case."""

    LEAD = "lead", _("leads the case")
    CONSENT = "consent", _("consent to share")
    PROGRAMME = "programme", _("manages the programme")
    REFERRAL = "referral", _("received a referral")
    EMERGENCY = "emergency", _("opened in an emergency")


class ConsentPurpose(models.TextChoices):
    """What a consent is asked for."""

    SERVICES = "services", _("To be helped, and to have a file kept")
    SHARING = "sharing", _("To share the file with an organisation")
    REFERRAL = "referral", _("To refer to an organisation for one service, with only what is needed")
    REPORTING = "reporting", _("To be counted in statistics that name nobody")
    RESEARCH = "research", _("To take part in research")


class ConsentGiver(models.TextChoices):
    """Who consented for the beneficiary."""

    SELF = "self", _("The person")
    GUARDIAN = "guardian", _("A guardian, and the child agrees")
    BEST_INTERESTS = "best_interests", _("Nobody safe to ask: a best-interests decision")
    LEGACY = "legacy", _("Old paper file: not known")


class ConsentHow(models.TextChoices):
    """How consent was expressed."""

    SPOKEN = "spoken", _("Spoken")
    SIGNATURE = "signature", _("Signature")
    THUMBPRINT = "thumbprint", _("Thumbprint")
    FILE = "file", _("As recorded in an earlier file")


class EnrolmentStatus(models.TextChoices):
    """The state of a case in a programme."""

    ACTIVE = "active", _("In the programme")
    COMPLETED = "completed", _("Completed")
    WITHDRAWN = "withdrawn", _("Withdrew")


class AssessmentOutcome(models.TextChoices):
    """Whether the criteria of a programme are met."""

    YES = "yes", _("Meets the criteria")
    NO = "no", _("Doesn't meet the criteria")
    UNKNOWN = "unknown", _("Not enough information yet")


class AssessmentDecision(models.TextChoices):
    """What a user decided after an assessment."""

    ADMITTED = "admitted", _("Admitted")
    NOT_ADMITTED = "not_admitted", _("Not admitted")


class NoteKind(models.TextChoices):
    """What a note is about. `narrative`: what happened, when it is not for everyone who works on the case."""

    NOTE = "note", _("Note")
    NARRATIVE = "narrative", _("What happened, in the person's words")


class ReferralState(models.TextChoices):
    """The state of a referral. DECLINED and FINISHED are final."""

    SENT = "sent", _("Sent")
    ACCEPTED = "accepted", _("Accepted")
    DECLINED = "declined", _("Declined")
    FINISHED = "finished", _("Finished")


class TransferState(models.TextChoices):
    """The state of a transfer offer. All but OFFERED are final."""

    OFFERED = "offered", _("Offered")
    ACCEPTED = "accepted", _("Taken over")
    DECLINED = "declined", _("Declined")
    TAKEN_BACK = "taken_back", _("Offer withdrawn")


class DocumentKind(models.TextChoices):
    """What a document is."""

    IDENTITY = "identity", _("Citizenship certificate, passport or other identity document")
    CONSENT = "consent", _("Signed or thumbprinted consent")
    MEDICAL = "medical", _("Medical report")
    LEGAL = "legal", _("Police or court document")
    TRAVEL = "travel", _("Ticket or travel document")
    RECEIPT = "receipt", _("Receipt or quotation")
    PHOTO = "photo", _("Photo of the business or the visit")
    LETTER = "letter", _("Letter or recommendation")
    OTHER = "other", _("Other document")


class DocumentState(models.TextChoices):
    """The state of a document. HARMFUL and REMOVED: its file is deleted."""

    WAITING = "waiting", _("Waiting for the virus check")
    CLEAN = "clean", _("Checked: no virus found")
    UNCHECKED = "unchecked", _("Not checked: no virus scanner is set up here")
    HARMFUL = "harmful", _("Deleted: a virus was found in it")
    REMOVED = "removed", _("Deleted")


# States in which a document still has its file.
WITH_FILE = (DocumentState.WAITING, DocumentState.CLEAN, DocumentState.UNCHECKED)


class ExportState(models.TextChoices):
    """The state of an export. FAILED, REFUSED and EXPIRED are final."""

    WAITING = "waiting", _("Waiting for a second user")
    QUEUED = "queued", _("Being prepared")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Could not be prepared")
    REFUSED = "refused", _("Refused")
    EXPIRED = "expired", _("Ended: the file is deleted")


class ExportFailure(models.TextChoices):
    """Why an export failed."""

    NO_RIGHT = "no_right", _("You may no longer export this list.")
    MORE_ROWS = "more_rows", _("The list has more rows now than when you asked. Ask again.")
    NO_ROWS = "no_rows", _("The list has no rows any more.")
    TRIED = "tried", _("It was tried several times and failed. Tell your administrator.")


class Level(models.TextChoices):
    """An organisation's access to a case. Not fully ordered: neither of REFERRAL and SUMMARY includes the other."""

    LEAD = "lead", _("leads the case")
    WORKING = "working", _("works on the case with the lead organisation")
    REFERRAL = "referral", _("received a referral")
    SUMMARY = "summary", _("case reference and amounts")


OPENED_BY: dict[Level, tuple[Level, ...]] = {
    Level.LEAD: (Level.LEAD,),
    Level.WORKING: (Level.LEAD, Level.WORKING),
    Level.REFERRAL: (Level.LEAD, Level.WORKING, Level.REFERRAL),
    Level.SUMMARY: (Level.LEAD, Level.WORKING, Level.SUMMARY),
}

# The same for users who read case files: SUMMARY is for users who see amounts only, and REFERRAL for the one
# organisation that received the row.
OPENED_IN_FULL: dict[Level, tuple[Level, ...]] = {
    needed: tuple(level for level in levels if level not in (Level.SUMMARY, Level.REFERRAL))
    for needed, levels in OPENED_BY.items()
}
