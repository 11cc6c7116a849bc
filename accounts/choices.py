"""Kinds of organisation, roles, and what each role is allowed from the start."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class OrganisationKind(models.TextChoices):
    IOM = "iom", _("IOM")
    NGO = "ngo", _("NGO")
    GOVERNMENT = "government", _("Government")
    COMPANY = "company", _("Company")
    SHELTER = "shelter", _("Shelter")
    UNIVERSITY = "university", _("University")
    UN_AGENCY = "un_agency", _("UN agency")


class RoleCode(models.TextChoices):
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
    """How somebody stands in an organisation, as its focal point is told."""

    WORKING = "working", _("Works here")
    INVITED = "invited", _("Invited")
    TO_COME = "to_come", _("To come")
    ENDED = "ended", _("Ended")


class RequestKind(models.TextChoices):
    """What needs a second user's approval where there are cases."""

    ROLE = "role", _("a role")
    TAILOR = "tailor", _("a role that may do more")
    PROGRAMMES = "programmes", _("a role that sees more programmes")
    EMAIL = "email", _("another e-mail address")
    FACTOR = "factor", _("the removal of the second step")
    REOPEN = "reopen", _("a closed account that opens again")


class RequestState(models.TextChoices):
    PENDING = "pending", _("Waits for approval")
    APPROVED = "approved", _("Approved, takes effect later")
    REFUSED = "refused", _("Refused")
    STOPPED = "stopped", _("Stopped")
    DONE = "done", _("Approved")


class DecidedAs(models.TextChoices):
    """As what somebody may decide on a request; PostgreSQL says so (accounts/sql/040_requests.sql)."""

    FOCAL_POINT = "focal_point", _("focal point of the organisation")
    SUPERVISOR = "supervisor", _("supervisor of the organisation")
    PROTECTION = "protection", _("protection supervisor of IOM, as the organisation has no second user")


class Permission(models.TextChoices):
    """What a role may do in its organisation. The database's policies reads the same names."""

    READ_CASES = "read_cases", _("read case files")
    WRITE_CASES = "write_cases", _("write case files and open new cases")
    READ_RESTRICTED = "read_restricted", _("read restricted notes of cases that the organisation leads")
    READ_COUNSELLING = "read_counselling", _("read counselling notes of cases that the organisation leads")
    ASSIGN_CASES = "assign_cases", _("give cases and unfinished interviews to another user")
    REFER_CASES = "refer_cases", _("refer cases to other organisations, and take referrals")
    BREAK_GLASS = "break_glass", _("open one case in an emergency, for an hour, with a reason")
    OVERRIDE_ELIGIBILITY = "override_eligibility", _("admit against the criteria, with a reason")
    READ_SUMMARIES = "read_summaries", _("see case references and figures, without names")
    ENDORSE_GRANTS = "endorse_grants", _("endorse grants")
    APPROVE_GRANTS = "approve_grants", _("approve grants")
    PAY_GRANTS = "pay_grants", _("pay instalments")
    MANAGE_USERS = "manage_users", _("manage the people of the organisation")
    ERASE_BENEFICIARIES = (
        "erase_beneficiaries",
        _("erase a person's data for ever, once all their cases are closed"),
    )
    EXPORT_CASES = "export_cases", _("take lists out of the system")
    APPROVE_EXPORTS = "approve_exports", _("let somebody else take a long list out")
    READ_AUDIT = "read_audit", _("read the record of what happened")
    CONFIGURE = "configure", _("configure the system")


# What an organisation's focal point may give there; the other roles are an administrator's to give.
GIVEN_BY_FOCAL_POINTS = (
    RoleCode.CASEWORKER,
    RoleCode.READER,
    RoleCode.SUPERVISOR,
    RoleCode.FOCAL_POINT,
)
# A role that was tailored to hold one of these is an administrator's to give, whatever its name.
ADMINISTRATORS_TO_GIVE = (
    Permission.CONFIGURE,
    Permission.READ_AUDIT,
    Permission.BREAK_GLASS,
    Permission.APPROVE_GRANTS,
    Permission.PAY_GRANTS,
)

# What each role is for, in one sentence; what it may and can't do is told from its permissions.
PURPOSES = {
    RoleCode.CASEWORKER: _("Carries a case from the first interview to the last visit."),
    RoleCode.READER: _("Follows the cases of the organisation without writing in them."),
    RoleCode.FOCAL_POINT: _(
        "Keeps the people of the own organisation: who works there, as what, and until when."
    ),
    RoleCode.SUPERVISOR: _(
        "Watches over the cases, admits where the criteria are doubtful, and endorses grants."
    ),
    RoleCode.GRANT_APPROVER: _("Decides whether a grant is approved, from its figures alone."),
    RoleCode.FINANCE: _("Pays the instalments of approved grants, from their figures alone."),
    RoleCode.PROGRAMME_MANAGER: _(
        "Follows what single programmes cost and reach, in figures; an administrator says which."
    ),
    RoleCode.PROTECTION_SUPERVISOR: _("Steps in where somebody's life or safety is in danger."),
    RoleCode.DATA_STEWARD: _("Will keep records free of doubles; its pages come with later work."),
    RoleCode.RESEARCHER: _("Will read what has been released for research; its pages come with later work."),
    RoleCode.AUDITOR: _("Reads in the log who did what, and nothing else."),
    RoleCode.ADMINISTRATOR: _("Sets up programmes, organisations and people, and sees no case."),
}

# A role that isn't named here starts with nothing: its pages come with later work.
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
