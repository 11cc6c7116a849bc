"""Users who leave and organisations that are deactivated: who counts and reassigns their work."""

from soak.mutations.mutant import Mutant

SQL, ACCOUNTS_SQL = "beneficiaries/sql/090_assignment.sql", "accounts/sql/030_leaving.sql"
CASELOAD, LEAVING, PAGES = "beneficiaries/caseload.py", "accounts/operations/leaving.py", "core/pages.py"
OPERATION, TESTS = "beneficiaries/operations/assignment.py", "tests/accounts/test_leaving.py"
FOR_OTHERS = f"{TESTS}::test_the_reviewed_functions_count_and_move_nothing_for_others"

LEAVING_MUTANTS = [
    Mutant(
        "accounts: access ends without asking where the work goes",
        LEAVING,
        "    if missing:\n",
        "    if missing and False:\n",
        first=f"{TESTS}::test_no_way_of_ending_access_leaves_work_behind_unasked",
    ),
    Mutant(
        "accounts: work is given to a user without the permission",
        LEAVING,
        "if not holders(kind.permission, organisation.pk).filter(pk=to.pk).exists():",
        "if False:",
        first=f"{TESTS}::test_work_is_given_to_nobody_who_may_not_do_it",
    ),
    Mutant(
        "accounts: any role manages users",
        ACCOUNTS_SQL,
        "SELECT access.has_permission(access.user_id(), organisation, 'manage_users', day)",
        "SELECT access.has_permission(access.user_id(), organisation, 'read_cases', day)",
        first=FOR_OTHERS,
    ),
    Mutant(
        "accounts: a partner's administrator manages everybody's users",
        ACCOUNTS_SQL,
        "WHERE o.kind = 'iom' AND access.has_permission",
        "WHERE access.has_permission",
        first=f"{TESTS}::test_a_partners_administrator_manages_no_users",
    ),
    Mutant(
        "beneficiaries: anybody counts a user's open cases",
        SQL,
        "AND t.state = 'offered')\n     WHERE access.manages_users_of(in_organisation);\n$$;\n\n-- Give all open",
        "AND t.state = 'offered');\n$$;\n\n-- Give all open",
        first=FOR_OTHERS,
    ),
    Mutant(
        "beneficiaries: anybody reassigns a user's cases",
        SQL,
        "IF access.manages_users_of(in_organisation) IS NOT TRUE THEN",
        "IF false THEN",
        first=FOR_OTHERS,
    ),
    Mutant(
        "beneficiaries: cases of other organisations are reassigned too",
        SQL,
        "WHERE c.id = f.case_id AND f.caseworker_id = of_user AND c.lead_organisation_id = in_organisation\n",
        "WHERE c.id = f.case_id AND f.caseworker_id = of_user\n",
        first=f"{TESTS}::test_work_in_another_organisation_is_neither_shown_nor_moved",
    ),
    Mutant(
        "beneficiaries: a caseworker may lack the permission to write",
        SQL,
        "'write_cases', (now() AT TIME ZONE 'Asia/Kathmandu')::date) IS NOT TRUE THEN",
        "'write_cases', (now() AT TIME ZONE 'Asia/Kathmandu')::date) IS NULL THEN",
        first=f"{TESTS}::test_the_database_accepts_only_caseworkers_who_write_for_the_lead",
    ),
    Mutant(
        "beneficiaries: another organisation changes the caseworker",
        SQL,
        "IF current_user <> 'iom_functions' AND NOT EXISTS (",
        "IF false AND NOT EXISTS (",
        first=f"{TESTS}::test_the_database_accepts_only_caseworkers_who_write_for_the_lead",
    ),
    Mutant(
        "beneficiaries: an organisation with open cases is deactivated",
        SQL,
        "WHERE c.lead_organisation_id = NEW.id AND c.status <> 'closed') THEN",
        "WHERE c.lead_organisation_id = NEW.id AND c.status = 'none') THEN",
        first=f"{TESTS}::test_the_database_refuses_to_deactivate_it_and_gives_an_inactive_organisation_no_case",
    ),
    Mutant(
        "beneficiaries: a deactivated organisation is given a case",
        SQL,
        "WHERE o.id = NEW.lead_organisation_id AND o.is_active FOR SHARE;",
        "WHERE o.id = NEW.lead_organisation_id FOR SHARE;",
        first=f"{TESTS}::test_the_database_refuses_to_deactivate_it_and_gives_an_inactive_organisation_no_case",
    ),
    Mutant(
        "beneficiaries: a case is opened while its organisation is deactivated",
        SQL,
        " AND o.is_active FOR SHARE;",
        " AND o.is_active;",
        first="tests/accounts/test_leaving_races.py::test_without_the_lock_cases_are_left_with_a_deactivated_organisation",
    ),
    Mutant(
        "beneficiaries: caseworkers reassign each other's cases",
        CASELOAD,
        "(writes_in & authority_of(user).where(Permission.ASSIGN_CASES)) | (writes_in - supervised)",
        "writes_in",
        first=f"{TESTS}::test_where_there_is_a_supervisor_a_caseworker_reassigns_only_her_own_cases",
    ),
    Mutant(
        "beneficiaries: a case is reassigned by whoever works on it",
        OPERATION,
        "if len(found) != len(case_ids) or not all(",
        "if len(found) != len(case_ids) and not all(",
        first=f"{TESTS}::test_who_may_not_reassign_a_case_and_to_whom_it_may_not_go",
    ),
    Mutant(
        "core: any closed page redirects",
        PAGES,
        'if is_landing and request.path != "/":',
        'if request.path != "/":',
        first="tests/access/test_landing.py::test_nobody_is_redirected_from_a_page_that_no_action_of_theirs_led_to",
    ),
    Mutant(
        "core: a page's marker works for everybody",
        PAGES,
        'signature(f"{request.user.pk} {path}")',
        "signature(path)",
        first="tests/access/test_landing.py::test_nobody_is_redirected_from_a_page_that_no_action_of_theirs_led_to",
    ),
]
