"""The conditions of the access policies, each of which is Python's scope and PostgreSQL's policy."""

from soak.mutations.mutant import Mutant

ACCESS = "beneficiaries/models/access.py"
AUTHORITY = "accounts/authority.py"
BENEFICIARY = "beneficiaries/models/beneficiary.py"
CASE = "beneficiaries/models/case.py"
CHANGE = "beneficiaries/models/change.py"
DRAFT = "beneficiaries/models/draft.py"
ENTER = "accounts/sql/010_enter.sql"
EXPORT = "beneficiaries/models/export.py"
PRINCIPALS = "core/access.py"
CATALOGUE = "core/catalogue.py"
PROJECTS = "projects/models.py"
ROWS = "tests/access/test_rows.py"
COMMANDS = "tests/database/test_policy_commands.py"
SCOPE = "tests/access/test_scope_alone.py"
PROGRAMMES = "tests/access/test_programmes_of_roles.py"
MIGRATE = "tests/database/test_migrate.py"

CONDITIONS = [
    Mutant(
        "beneficiaries: writing needs the permission to read",
        ACCESS,
        "Permission.WRITE_CASES if writing else Permission.READ_CASES",
        "Permission.READ_CASES",
        first=ROWS,
    ),
    Mutant(
        "beneficiaries: referral access opens every referral of the case",
        ACCESS,
        'Q(level=Level.REFERRAL, organisation=OuterRef("receiver"))',
        "Q(level=Level.REFERRAL)",
        first="tests/access/test_levels.py",
    ),
    Mutant(
        "beneficiaries: who sees summaries decides on grants",
        ACCESS,
        'principal.in_organisations("organisation", *GRANT_DECISIONS) & ~Q(level=Level.REFERRAL)',
        'principal.in_organisations("organisation", *GRANT_DECISIONS, Permission.READ_SUMMARIES)',
        first=ROWS,
    ),
    Mutant(
        "beneficiaries: referral access opens summaries",
        ACCESS,
        "found |= (whole | single) & ~Q(level=Level.REFERRAL)",
        "found |= whole | single",
        first="tests/access/test_rows.py::test_a_referral_opens_no_amounts_to_who_sees_summaries",
    ),
    Mutant(
        "beneficiaries: a manager of one programme sees the cases of all",
        ACCESS,
        'single = principal.shares_projects("programmes", Permission.READ_SUMMARIES) & (of_row or Q())',
        "single = of_row or Q()",
        first=PROGRAMMES,
    ),
    Mutant(
        "beneficiaries: a manager of one programme sees all rows of its cases",
        ACCESS,
        "of_row = in_own_programme(principal, model, self.programme) if self.programme else None",
        "of_row = None",
        first=PROGRAMMES,
    ),
    Mutant(
        "beneficiaries: emergency access is everybody's",
        ACCESS,
        "(Q(user=None) | Q(user=principal.user_id)) & (",
        "(",
        first=SCOPE,
    ),
    Mutant(
        "beneficiaries: access never expires",
        ACCESS,
        " & (Q(expires_at=None) | Q(expires_at__gt=Now()))",
        "",
        first="tests/access/test_expiry.py",
    ),
    Mutant(
        "beneficiaries: a case opens every case",
        ACCESS,
        "CaseAccess.objects.filter(rows, case=OuterRef(case_column(model)))",
        "CaseAccess.objects.filter(rows)",
        first=ROWS,
    ),
    Mutant(
        "beneficiaries: confidentiality is ignored",
        ACCESS,
        "        if self.by_confidentiality:\n",
        "        if False:\n",
        first=COMMANDS,
    ),
    Mutant(
        "beneficiaries: confidential rows open to others than the lead",
        ACCESS,
        "Value(kind.value)), level=Level.LEAD)",
        "Value(kind.value)))",
        first=COMMANDS,
    ),
    Mutant(
        "beneficiaries: confidential rows open to all users of the lead",
        ACCESS,
        'found |= is_of_kind & principal.in_organisations("organisation", permission)',
        "found |= is_of_kind",
        first=COMMANDS,
    ),
    Mutant(
        "beneficiaries: one permission opens both confidentialities",
        ACCESS,
        'found |= is_of_kind & principal.in_organisations("organisation", permission)',
        'found |= is_of_kind & principal.in_organisations("organisation", Permission.READ_RESTRICTED)',
        first=COMMANDS,
    ),
    Mutant(
        "beneficiaries: everybody reads all access rows",
        ACCESS,
        'return (whole | principal.shares_projects("programmes", Permission.READ_SUMMARIES)) & in_force(principal)',
        "return in_force(principal)",
        first=ROWS,
    ),
    Mutant(
        "beneficiaries: a manager of one programme sees the access rows of all",
        ACCESS,
        'return (whole | principal.shares_projects("programmes", Permission.READ_SUMMARIES)) & in_force(principal)',
        "return (whole | ~Q(programmes=[])) & in_force(principal)",
        first=PROGRAMMES,
    ),
    Mutant(
        "beneficiaries: an organisation opens cases that another leads",
        CASE,
        'insert=lambda principal: principal.in_organisations("lead_organisation", Permission.WRITE_CASES)',
        "insert=lambda principal: principal.has_user",
        first=ROWS,
    ),
    Mutant(
        "beneficiaries: who works on a case leads it",
        CASE,
        "rows = access_rows(authority_of(user), Level.LEAD, writing=True)",
        "rows = access_rows(authority_of(user), Level.WORKING, writing=True)",
        first="tests/database/test_policies.py::test_an_organisation_that_works_on_a_case_cannot_share_it",
    ),
    Mutant(
        "beneficiaries: a reference finds cases without working access",
        "beneficiaries/queries/case.py",
        "rows = access_rows(_Reader(user_id, organisations), Level.WORKING)",
        'rows = _Reader(user_id, organisations).in_organisations("organisation") & Q(user=user_id) | Q(user=None)',
        first=SCOPE,
    ),
    Mutant(
        "beneficiaries: everybody reads all beneficiaries",
        BENEFICIARY,
        'return own | Q(Exists(CaseAccess.objects.filter(rows, case__beneficiary=OuterRef("pk"))))',
        'return own | Q(Exists(CaseAccess.objects.filter(case__beneficiary=OuterRef("pk"))))',
        first=ROWS,
    ),
    Mutant(
        "beneficiaries: summary access opens beneficiaries",
        BENEFICIARY,
        "rows = access_rows(principal, Level.WORKING)",
        "rows = access_rows(principal, Level.SUMMARY)",
        first=ROWS,
    ),
    Mutant(
        "beneficiaries: a reader changes a beneficiary",
        BENEFICIARY,
        'return principal.in_organisations("organisation", Permission.WRITE_CASES)',
        'return principal.in_organisations("organisation", Permission.READ_CASES)',
        first=ROWS,
    ),
    Mutant(
        "beneficiaries: a draft is everybody's in its organisation",
        DRAFT,
        "return Q(author=principal.user_id) & principal",
        "return principal",
        first="tests/beneficiaries/test_drafts.py",
    ),
    Mutant(
        "beneficiaries: an author keeps an interview in another organisation",
        DRAFT,
        ' & principal.in_organisations("organisation", Permission.WRITE_CASES)',
        "",
        first="tests/beneficiaries/test_drafts.py::test_a_former_member_of_the_organisation_reads_no_draft",
    ),
    Mutant(
        "beneficiaries: everybody sees all exports",
        EXPORT,
        "read=lambda principal: Q(requested_by=principal.user_id) | _approved_by(principal)",
        "read=lambda principal: ~Q(pk=None)",
        first="tests/beneficiaries/test_export_links.py",
    ),
    Mutant(
        "beneficiaries: a reader approves exports",
        EXPORT,
        'return principal.in_organisations("organisation", Permission.APPROVE_EXPORTS)',
        'return principal.in_organisations("organisation", Permission.READ_CASES)',
        first="tests/beneficiaries/test_export_links.py",
    ),
    Mutant(
        "beneficiaries: a user approves their own export",
        EXPORT,
        "update=lambda principal: _approved_by(principal) & ~Q(requested_by=principal.user_id)",
        "update=lambda principal: _approved_by(principal)",
        first="tests/database/test_export_constraints.py",
    ),
    Mutant(
        "beneficiaries: an approver downloads the file",
        EXPORT,
        "Q(requested_by=principal.user_id, until__gt=Now()) & Q(Exists(exports))",
        "Q(until__gt=Now())",
        first="tests/database/test_export_constraints.py",
    ),
    Mutant(
        "beneficiaries: an expired export is downloaded",
        EXPORT,
        "Q(requested_by=principal.user_id, until__gt=Now())",
        "Q(requested_by=principal.user_id)",
        first="tests/database/test_export_constraints.py",
    ),
    Mutant(
        "beneficiaries: an export is downloaded by who may export no more",
        EXPORT,
        '        principal.in_organisations("organisation", Permission.EXPORT_CASES),\n        pk=OuterRef',
        "        pk=OuterRef",
        first="tests/database/test_export_constraints.py",
    ),
    Mutant(
        "beneficiaries: everybody reads what was corrected",
        CHANGE,
        'read=points_to(Beneficiary, "beneficiary", beneficiaries_read_by)',
        "read=lambda principal: ~Q(pk=None)",
        first="tests/beneficiaries/test_corrections.py",
    ),
    Mutant(
        "beneficiaries: a correction is added in another's name",
        CHANGE,
        "Q(by=principal.user_id) & _of_written_beneficiary(principal)",
        "_of_written_beneficiary(principal)",
        first="tests/beneficiaries/test_corrections.py::test_a_correction_is_added_in_ones_own_name_alone",
    ),
    Mutant(
        "projects: everybody reads the ledger",
        PROJECTS,
        'return principal.in_organisations("organisation", Permission.READ_SUMMARIES) | Q(Exists(of_projects))',
        "return ~Q(pk=None)",
        first=ROWS,
    ),
    Mutant(
        "projects: a manager of one programme reads the ledger of all",
        PROJECTS,
        'principal.in_projects("project", Permission.READ_SUMMARIES), pk=OuterRef("budget_line")',
        'pk=OuterRef("budget_line")',
        first=PROGRAMMES,
    ),
    Mutant(
        "projects: ledger entries are posted with summary access",
        PROJECTS,
        'insert=lambda principal: principal.in_organisations("organisation", *GRANT_DECISIONS)',
        'insert=lambda principal: principal.in_organisations("organisation", Permission.READ_SUMMARIES)',
        first=f"{ROWS}::test_ledger_entries_are_posted_by_those_who_decide",
    ),
    Mutant(
        "core: Python asks for nothing",
        PRINCIPALS,
        "return self.filter(condition(principal))",
        "return self.all()",
        first=SCOPE,
    ),
    Mutant(
        "core: in Python the permission to read changes rows",
        PRINCIPALS,
        'return self._allowed(user, "update")',
        'return self._allowed(user, "read")',
        first=SCOPE,
    ),
    Mutant(
        "accounts: in Python any organisation counts",
        AUTHORITY,
        'return Q(**{f"{column}__in": self.where(*permissions)})',
        'return Q(**{f"{column}__isnull": False})',
        first=SCOPE,
    ),
    Mutant(
        "accounts: in Python any permission on a programme counts",
        AUTHORITY,
        "for name, project in self.projects if name == permission",
        "for name, project in self.projects",
        first=PROGRAMMES,
    ),
    Mutant(
        "accounts: in Python programmes aren't compared",
        AUTHORITY,
        'return Q(**{f"{column}__overlap": sorted(projects)}) if projects else NOTHING',
        "return Q() if projects else NOTHING",
        first=PROGRAMMES,
    ),
    Mutant(
        "accounts: in the context the permission to read stands for one that is missing",
        ENTER,
        "current_setting('access.organisations_' || permission, true)",
        "coalesce(nullif(current_setting('access.organisations_' || permission, true), ''), "
        "current_setting('access.organisations_read_cases', true))",
        first=ROWS,
    ),
    Mutant(
        "accounts: a former user's permissions stay in the context",
        ENTER,
        "PERFORM set_config(name, '', true)",
        "PERFORM name",
        first=ROWS,
    ),
    Mutant(
        "core: a policy that differs from the code stays",
        CATALOGUE,
        "if made.get(part.name) != _digest(part, now_is)]",
        "if part.name not in made]",
        first=MIGRATE,
    ),
    Mutant(
        "core: a function that no file defines stays",
        CATALOGUE,
        '        cursor.execute(f"DROP FUNCTION {function}")\n',
        "",
        first=MIGRATE,
    ),
    Mutant(
        "core: everybody may execute a new function",
        CATALOGUE,
        '            cursor.execute("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA access FROM PUBLIC")\n',
        "",
        first="tests/database/test_catalogue.py",
        afresh=True,
    ),
]
