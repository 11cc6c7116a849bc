"""Lists that go out: how many, by whose leave, of whom, and to whom."""

from soak.mutations.mutant import Mutant

MODEL, SQL = "beneficiaries/models/export.py", "beneficiaries/sql/080_exports.sql"
OPERATION, VIEW = "beneficiaries/operations/export.py", "beneficiaries/views/export.py"
TESTS, LINKS, HELD = (
    "tests/beneficiaries/test_exports.py",
    "tests/beneficiaries/test_export_links.py",
    "tests/database/test_export_constraints.py",
)

EXPORTS = [
    Mutant(
        "core: a text that would be calculated stays as it is",
        "core/spreadsheets.py",
        'return f"\'{text}" if text and starts else text',
        "return text",
        first="tests/core/test_spreadsheets.py::test_what_would_be_calculated_is_a_text",
    ),
    Mutant(
        "accounts: whoever reads cases agrees to long lists",
        "accounts/sql/010_enter.sql",
        "FILTER (WHERE p.codename = 'approve_exports')",
        "FILTER (WHERE p.codename = 'read_cases')",
        first=f"{LINKS}::test_the_database_shows_file_and_password_to_the_maker_alone",
    ),
    Mutant(
        "beneficiaries: everybody's lists that go out in Python",
        MODEL,
        "return self.filter(Q(requested_by=user) | Q(organisation_id__in=approves_in))",
        "return self.all()",
        first=f"{HELD}::test_python_alone_keeps_lists_and_files_from_others",
    ),
    Mutant(
        "beneficiaries: everybody's lists that go out in the database",
        MODEL,
        'read="t.requested_by_id = access.user_id() OR t.organisation_id = ANY((SELECT access.releases())::uuid[])"',
        'read="access.has_user()"',
        first=f"{LINKS}::test_the_database_shows_file_and_password_to_the_maker_alone",
    ),
    Mutant(
        "beneficiaries: whoever agrees fetches the file in Python",
        MODEL,
        "requested_by=user, until__gt=Now(), export__organisation_id__in=may",
        "until__gt=Now(), export__organisation_id__in=may",
        first=f"{HELD}::test_python_alone_keeps_lists_and_files_from_others",
    ),
    Mutant(
        "beneficiaries: a list is fetched after its day in Python",
        MODEL,
        "requested_by=user, until__gt=Now(), ",
        "requested_by=user, ",
        first=f"{HELD}::test_python_alone_keeps_lists_and_files_from_others",
    ),
    Mutant(
        "beneficiaries: a file is shown after its day by the database",
        MODEL,
        '"t.requested_by_id = access.user_id() AND t.until > now() AND EXISTS',
        '"t.requested_by_id = access.user_id() AND EXISTS',
        first=f"{HELD}::test_the_database_alone_shows_no_file_that_is_over",
    ),
    Mutant(
        "beneficiaries: a user agrees to their own list",
        MODEL,
        ".exclude(\n            requested_by=user\n        )",
        "",
        first=f"{HELD}::test_python_alone_keeps_lists_and_files_from_others",
    ),
    Mutant(
        "beneficiaries: a day without an end in the database",
        SQL,
        "before + NEW.counted_rows > 200",
        "false",
        first=f"{TESTS}::test_without_pythons_lock_the_database_refuses_what_is_too_much",
    ),
    Mutant(
        "beneficiaries: lists that are asked for at once don't see each other",
        OPERATION,
        "    _one_after_the_other(by)\n",
        "",
        first=f"{TESTS}::test_twenty_lists_asked_for_at_once_stay_within_the_day",
    ),
    Mutant(
        "beneficiaries: the application writes how far a list has come",
        SQL,
        "OR (current_user <> 'iom_functions'",
        "OR (false",
        first=f"{LINKS}::test_who_agrees_changes_nothing_but_the_answer",
    ),
    Mutant(
        "beneficiaries: a list is written for who may no longer take it out",
        OPERATION,
        "if export.organisation_id not in organisations_for(kind, requested_by):",
        "if False:",
        first=f"{TESTS}::test_who_may_no_longer_take_it_out_gets_no_file",
    ),
    Mutant(
        "beneficiaries: who took consent back is in the file",
        "beneficiaries/exports/cases.py",
        "Exists(agreed), ",
        "",
        first=f"{TESTS}::test_who_took_consent_back_is_not_in_the_file",
    ),
    Mutant(
        "beneficiaries: a file opened in an emergency goes out",
        "beneficiaries/exports/cases.py",
        "user=None, ",
        "",
        first=f"{TESTS}::test_another_ngos_people_are_in_no_file",
    ),
    Mutant(
        "beneficiaries: more rows go out than were counted",
        OPERATION,
        "most=export.counted_rows,",
        "most=rules.EXPORT_ROWS_AT_ONCE,",
        first=f"{TESTS}::test_more_rows_than_were_counted_make_no_file",
    ),
    Mutant(
        "beneficiaries: a list is fetched without a fresh proof",
        VIEW,
        "@recent_authentication\ndef export_file",
        "def export_file",
        first=f"{LINKS}::test_asking_and_fetching_want_a_fresh_proof",
    ),
    Mutant(
        "reintegration: the register of grants for who sees no figures",
        "reintegration/exports.py",
        "opened_by=(Permission.READ_SUMMARIES,),",
        "opened_by=(Permission.READ_CASES,),",
        first=f"{TESTS}::test_the_register_of_grants_names_nobody",
    ),
]
