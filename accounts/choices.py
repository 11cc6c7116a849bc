"""Kinds of organisations, roles, permissions, and the permissions that each role starts with."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class OrganisationKind(models.TextChoices):
    """Kinds of organisations. Permissions over the whole site count only in an office of IOM."""

    IOM = "iom", _("IOM")
    NGO = "ngo", _("NGO")
    GOVERNMENT = "government", _("Government")
    COMPANY = "company", _("Company")
    SHELTER = "shelter", _("Shelter")
    UNIVERSITY = "university", _("University")
    UN_AGENCY = "un_agency", _("UN agency")


class RoleCode(models.TextChoices):
    """The roles; every organisation has each of them."""

    CASEWORKER = "caseworker", _("Caseworker")
    READER = "reader", _("Reader")
    FOCAL_POINT = "focal_point", _("Focal point")
    SUPERVISOR = "supervisor", _("Supervisor")
    GRANT_APPROVER = "grant_approver", _("Grant approver")
    FINANCE = "finance", _("Finance")
    PROGRAMME_MANAGER = "programme_manager", _("Programme manager")
    PROTECTION_SUPERVISOR = "protection_supervisor", _("Protection supervisor")
    DATA_STEWARD = "data_steward", _("Data steward")
    RESEARCHER = "researcher", _("Researcher")
    AUDITOR = "auditor", _("Auditor")
    ADMINISTRATOR = "administrator", _("Administrator")


class Standing(models.TextChoices):
    """A user's status in an organisation, as its focal point sees it."""

    WORKING = "working", _("Works here")
    INVITED = "invited", _("Invited")
    TO_COME = "to_come", _("Not started yet")
    ENDED = "ended", _("Ended")


class RequestKind(models.TextChoices):
    """What needs a second user's approval in an organisation with cases."""

    ROLE = "role", _("a role")
    TAILOR = "tailor", _("a role that may do more")
    PROGRAMMES = "programmes", _("a role that sees more programmes")
    EMAIL = "email", _("another e-mail address")
    FACTOR = "factor", _("the removal of the second step")
    REOPEN = "reopen", _("the reopening of a closed account")


class RequestState(models.TextChoices):
    """The states of a request for access."""

    PENDING = "pending", _("Waiting for approval")
    APPROVED = "approved", _("Approved, takes effect later")
    REFUSED = "refused", _("Refused")
    STOPPED = "stopped", _("Stopped")
    DONE = "done", _("Approved")


class DecidedAs(models.TextChoices):
    """In which capacity a user decides on a request, as determined by accounts/sql/040_requests.sql."""

    FOCAL_POINT = "focal_point", _("focal point of the organisation")
    SUPERVISOR = "supervisor", _("supervisor of the organisation")
    PROTECTION = "protection", _("protection supervisor of IOM, as the organisation has no second user")


class Permission(models.TextChoices):
    """What a role may do in its organisation. accounts/sql/010_enter.sql uses the same names."""

    READ_CASES = "read_cases", _("read case files")
    WRITE_CASES = "write_cases", _("write case files and open new cases")
    READ_RESTRICTED = "read_restricted", _("read restricted notes of cases that the organisation leads")
    READ_COUNSELLING = "read_counselling", _("read counselling notes of cases that the organisation leads")
    ASSIGN_CASES = "assign_cases", _("assign cases and unfinished interviews to another user")
    REFER_CASES = "refer_cases", _("refer cases to other organisations, and receive referrals")
    BREAK_GLASS = "break_glass", _("open one case in an emergency, for an hour, with a reason")
    OVERRIDE_ELIGIBILITY = (
        "override_eligibility",
        _("admit a person who does not meet the criteria, with a reason"),
    )
    READ_SUMMARIES = "read_summaries", _("see case references and amounts, without names")
    ENDORSE_GRANTS = "endorse_grants", _("endorse grants")
    APPROVE_GRANTS = "approve_grants", _("approve grants")
    PAY_GRANTS = "pay_grants", _("pay instalments")
    MANAGE_USERS = "manage_users", _("manage the users of the organisation")
    ERASE_BENEFICIARIES = (
        "erase_beneficiaries",
        _("erase a person's data for ever, once all their cases are closed"),
    )
    EXPORT_CASES = "export_cases", _("export lists")
    APPROVE_EXPORTS = "approve_exports", _("approve another user's export of a long list")
    READ_AUDIT = "read_audit", _("read the audit log")
    CONFIGURE = "configure", _("configure the system")


GRANT_DECISIONS = (Permission.ENDORSE_GRANTS, Permission.APPROVE_GRANTS, Permission.PAY_GRANTS)

# Roles that an organisation's focal point may give there; only an administrator gives the others.
GIVEN_BY_FOCAL_POINTS = (
    RoleCode.CASEWORKER,
    RoleCode.READER,
    RoleCode.SUPERVISOR,
    RoleCode.FOCAL_POINT,
)
# Only an administrator gives a role that was tailored to have one of these, whatever its name.
ADMINISTRATORS_TO_GIVE = (
    Permission.CONFIGURE,
    Permission.READ_AUDIT,
    Permission.BREAK_GLASS,
    Permission.APPROVE_GRANTS,
    Permission.PAY_GRANTS,
)

# What each role is for, in one sentence; what it may and may not do is derived from its permissions.
PURPOSES = {
    RoleCode.CASEWORKER: _("Works with a person from the first interview to the last visit."),
    RoleCode.READER: _("Reads the cases of the organisation and does not change them."),
    RoleCode.FOCAL_POINT: _(
        "Manages the users of the organisation: who works there, in which role, and until when."
    ),
    RoleCode.SUPERVISOR: _(
        "Supervises the cases, can admit a person who does not meet the criteria, and endorses grants."
    ),
    RoleCode.GRANT_APPROVER: _("Approves or refuses grants. Sees case references and amounts, no names."),
    RoleCode.FINANCE: _(
        "Pays the instalments of approved grants. Sees case references and amounts, no names."
    ),
    RoleCode.PROGRAMME_MANAGER: _(
        "Follows the costs and results of chosen programmes, without names. An administrator "
        "chooses the programmes."
    ),
    RoleCode.PROTECTION_SUPERVISOR: _("Steps in when somebody's life or safety is in danger."),
    RoleCode.DATA_STEWARD: _("Will merge double entries. The pages for this are not ready yet."),
    RoleCode.RESEARCHER: _(
        "Will read material that is released for research. The pages for this are not ready yet."
    ),
    RoleCode.AUDITOR: _("Reads in the audit log who did what, and nothing else."),
    RoleCode.ADMINISTRATOR: _("Sets up programmes, organisations and users, and sees no cases."),
}

# A role that isn't listed here starts without permissions: its pages are not built yet.
STARTING_PERMISSIONS: dict[str, tuple[str, ...]] = {
    RoleCode.CASEWORKER: (
        Permission.READ_CASES,
        Permission.WRITE_CASES,
        Permission.READ_RESTRICTED,
        Permission.READ_COUNSELLING,
        Permission.REFER_CASES,
        Permission.EXPORT_CASES,
    ),
    RoleCode.READER: (Permission.READ_CASES,),
    RoleCode.FOCAL_POINT: (Permission.MANAGE_USERS,),
    RoleCode.SUPERVISOR: (
        Permission.READ_CASES,
        Permission.WRITE_CASES,
        Permission.READ_RESTRICTED,
        Permission.ASSIGN_CASES,
        Permission.OVERRIDE_ELIGIBILITY,
        Permission.READ_SUMMARIES,
        Permission.ENDORSE_GRANTS,
        Permission.ERASE_BENEFICIARIES,
        Permission.EXPORT_CASES,
        Permission.APPROVE_EXPORTS,
    ),
    RoleCode.GRANT_APPROVER: (Permission.READ_SUMMARIES, Permission.APPROVE_GRANTS),
    RoleCode.FINANCE: (Permission.READ_SUMMARIES, Permission.PAY_GRANTS),
    RoleCode.PROTECTION_SUPERVISOR: (Permission.READ_CASES, Permission.BREAK_GLASS),
    RoleCode.AUDITOR: (Permission.READ_AUDIT,),
    RoleCode.ADMINISTRATOR: (Permission.CONFIGURE,),
}


# The texts of audit events, by their verb: `audit_events` of the models User and AccessRequest.
USER_EVENTS = {
    "invitation sent": _("Sent an invitation"),
    "password chosen": _("Chose a first password"),
    "signed in": _("Signed in"),
    "signed out": _("Signed out"),
    "sign-in failed": _("Failed to sign in"),
    "password changed": _("Changed their own password"),
    "password reset asked": _("A link for a new password was requested"),
    "password reset": _("Chose a new password through a link"),
    "second factor added": _("Added a second step for signing in"),
    "second factor removed": _("Removed a second step for signing in"),
    "second factor reset": _("Removed another user's second step"),
    "recovery codes made": _("Made new recovery codes"),
    "recovery code used": _("Used a recovery code"),
    "user saved": _("Saved a user"),
    "account opened": _("Reopened an account"),
    "access ended": _("Ended all access of a user"),
}
ACCESS_REQUEST_EVENTS = {
    "access asked": _("Requested access that a second user must approve"),
    "access approved": _("Approved a request for access"),
    "access refused": _("Refused a request for access"),
    "access stopped": _("Stopped a request for access"),
    "access given": _("Put approved access into effect"),
}
