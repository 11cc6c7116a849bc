"""Users who leave and organisations that end: who counts and moves what they carried, and what is never left behind."""

from soak.mutations.mutant import Mutant

SQL, ACCOUNTS_SQL = "beneficiaries/sql/090_assignment.sql", "accounts/sql/030_leaving.sql"
CASELOAD, LEAVING, PAGES = "beneficiaries/caseload.py", "accounts/operations/leaving.py", "core/pages.py"
OPERATION, TESTS = "beneficiaries/operations/assignment.py", "tests/accounts/test_leaving.py"
FOR_OTHERS = f"{TESTS}::test_the_reviewed_functions_count_and_move_nothing_for_others"

LEAVERS = [
    Mutant(
        "accounts: access ends and nobody is asked where the work goes",
        LEAVING,
        "    if missing:\n",
        "    if missing and False:\n",
        first=f"{TESTS}::test_no_way_of_ending_access_leaves_work_behind_unasked",
    ),
    Mutant(
        "accounts: work goes to whoever is named",
        LEAVING,
        "if not holders(kind.permission, organisation.pk).filter(pk=to.pk).exists():",
        "if False:",
        first=f"{TESTS}::test_work_goes_to_nobody_who_may_not_do_it",
    ),
    Mutant(
        "accounts: whoever has a role keeps the users",
        ACCOUNTS_SQL,
        "SELECT access.has_permission(access.user_id(), organisation, 'manage_users', day)",
        "SELECT access.has_permission(access.user_id(), organisation, 'read_cases', day)",
        first=FOR_OTHERS,
    ),
    Mutant(
        "accounts: an administrator of a partner keeps everybody's users",
        ACCOUNTS_SQL,
        "WHERE o.kind = 'iom' AND access.has_permission",
        "WHERE access.has_permission",
        first=f"{TESTS}::test_an_administrator_of_a_partner_keeps_nobodys_users",
    ),
    Mutant(
        "beneficiaries: anybody counts what a user carries",
        SQL,
        "AND t.state = 'offered')\n     WHERE access.manages_users_of(in_organisation);\n$$;\n\n-- Give all open",
        "AND t.state = 'offered');\n$$;\n\n-- Give all open",
        first=FOR_OTHERS,
    ),
    Mutant(
        "beneficiaries: anybody hands a user's cases over",
        SQL,
        "IF access.manages_users_of(in_organisation) IS NOT TRUE THEN",
        "IF false THEN",
        first=FOR_OTHERS,
    ),
    Mutant(
        "beneficiaries: cases of other organisations are handed over as well",
        SQL,
        "WHERE c.id = f.case_id AND f.caseworker_id = who AND c.lead_organisation_id = in_organisation\n",
        "WHERE c.id = f.case_id AND f.caseworker_id = who\n",
        first=f"{TESTS}::test_what_is_carried_elsewhere_is_neither_shown_nor_moved",
    ),
    Mutant(
        "beneficiaries: a caseworker who may not write there",
        SQL,
        "'write_cases', (now() AT TIME ZONE 'Asia/Kathmandu')::date) IS NOT TRUE THEN",
        "'write_cases', (now() AT TIME ZONE 'Asia/Kathmandu')::date) IS NULL THEN",
        first=f"{TESTS}::test_the_database_keeps_the_caseworker_among_those_who_write_for_the_lead",
    ),
    Mutant(
        "beneficiaries: who works on a case with the lead names its caseworker",
        SQL,
        "IF current_user <> 'iom_functions' AND NOT EXISTS (",
        "IF false AND NOT EXISTS (",
        first=f"{TESTS}::test_the_database_keeps_the_caseworker_among_those_who_write_for_the_lead",
    ),
    Mutant(
        "beneficiaries: an organisation with open cases is deactivated",
        SQL,
        "WHERE c.lead_organisation_id = NEW.id AND c.status <> 'closed') THEN",
        "WHERE c.lead_organisation_id = NEW.id AND c.status = 'none') THEN",
        first=f"{TESTS}::test_the_database_refuses_it_too_and_gives_an_inactive_one_no_case",
    ),
    Mutant(
        "beneficiaries: a deactivated organisation is given a case",
        SQL,
        "WHERE o.id = NEW.lead_organisation_id AND o.is_active FOR SHARE;",
        "WHERE o.id = NEW.lead_organisation_id FOR SHARE;",
        first=f"{TESTS}::test_the_database_refuses_it_too_and_gives_an_inactive_one_no_case",
    ),
    Mutant(
        "beneficiaries: a case is opened while its organisation is deactivated",
        SQL,
        " AND o.is_active FOR SHARE;",
        " AND o.is_active;",
        first="tests/accounts/test_leaving_races.py::test_without_the_lock_cases_are_left_with_a_deactivated_organisation",
    ),
    Mutant(
        "beneficiaries: each caseworker gives away the others' cases",
        CASELOAD,
        "(writes_in & authority_of(user).where(Permission.ASSIGN_CASES)) | (writes_in - supervised)",
        "writes_in",
        first=f"{TESTS}::test_where_there_is_a_supervisor_a_caseworker_gives_away_her_own_cases_alone",
    ),
    Mutant(
        "beneficiaries: a case is reassigned by whoever works on it",
        OPERATION,
        "if len(found) != len(case_ids) or not all(",
        "if len(found) != len(case_ids) and not all(",
        first=f"{TESTS}::test_who_may_not_and_to_whom_not",
    ),
    Mutant(
        "core: any page that isn't open leads on",
        PAGES,
        'if is_landing and request.path != "/":',
        'if request.path != "/":',
        first="tests/access/test_landing.py::test_nobody_is_led_on_from_a_page_that_no_action_of_theirs_led_to",
    ),
    Mutant(
        "core: the mark of a page is everybody's",
        PAGES,
        'signature(f"{request.user.pk} {path}")',
        "signature(path)",
        first="tests/access/test_landing.py::test_nobody_is_led_on_from_a_page_that_no_action_of_theirs_led_to",
    ),
]
