"""Exports: how many rows, who approves, and who gets the file."""

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
        "core: a text that would be calculated is written unchanged",
        "core/spreadsheets.py",
        'return f"\'{text}" if text and starts else text',
        "return text",
        first="tests/core/test_spreadsheets.py::test_a_value_that_would_be_calculated_is_written_as_text",
    ),
    Mutant(
        "accounts: a reader approves exports",
        "accounts/sql/010_enter.sql",
        "FILTER (WHERE p.codename = 'approve_exports')",
        "FILTER (WHERE p.codename = 'read_cases')",
        first=f"{LINKS}::test_the_database_shows_file_and_password_to_the_requester_only",
    ),
    Mutant(
        "beneficiaries: everybody sees all exports in Python",
        MODEL,
        "return self.filter(Q(requested_by=user) | Q(organisation_id__in=approves_in))",
        "return self.all()",
        first=f"{HELD}::test_python_alone_hides_exports_and_files_from_others",
    ),
    Mutant(
        "beneficiaries: everybody sees all exports in the database",
        MODEL,
        'read="t.requested_by_id = access.user_id() OR t.organisation_id = ANY((SELECT access.releases())::uuid[])"',
        'read="access.has_user()"',
        first=f"{LINKS}::test_the_database_shows_file_and_password_to_the_requester_only",
    ),
    Mutant(
        "beneficiaries: an approver downloads the file in Python",
        MODEL,
        "requested_by=user, until__gt=Now(), export__organisation_id__in=may",
        "until__gt=Now(), export__organisation_id__in=may",
        first=f"{HELD}::test_python_alone_hides_exports_and_files_from_others",
    ),
    Mutant(
        "beneficiaries: an expired export is downloaded in Python",
        MODEL,
        "requested_by=user, until__gt=Now(), ",
        "requested_by=user, ",
        first=f"{HELD}::test_python_alone_hides_exports_and_files_from_others",
    ),
    Mutant(
        "beneficiaries: an expired export's file is visible in the database",
        MODEL,
        '"t.requested_by_id = access.user_id() AND t.until > now() AND EXISTS',
        '"t.requested_by_id = access.user_id() AND EXISTS',
        first=f"{HELD}::test_the_database_alone_shows_no_expired_file",
    ),
    Mutant(
        "beneficiaries: a user approves their own export",
        MODEL,
        ".exclude(\n            requested_by=user\n        )",
        "",
        first=f"{HELD}::test_python_alone_hides_exports_and_files_from_others",
    ),
    Mutant(
        "beneficiaries: exported rows a day are unlimited in the database",
        SQL,
        "before + NEW.counted_rows > 200",
        "false",
        first=f"{TESTS}::test_without_pythons_lock_the_database_refuses_too_many_rows",
    ),
    Mutant(
        "beneficiaries: exports requested at once exceed the day's rows",
        OPERATION,
        "    _one_after_the_other(by)\n",
        "",
        first=f"{TESTS}::test_twenty_exports_requested_at_once_stay_within_the_days_rows",
    ),
    Mutant(
        "beneficiaries: the application changes an export's state",
        SQL,
        "OR (current_user <> 'iom_functions'",
        "OR (false",
        first=f"{LINKS}::test_an_approver_changes_nothing_but_the_answer",
    ),
    Mutant(
        "beneficiaries: an export is written for a user who may no longer export",
        OPERATION,
        "if export.organisation_id not in organisations_for(kind, requested_by):",
        "if False:",
        first=f"{TESTS}::test_a_user_who_may_no_longer_export_gets_no_file",
    ),
    Mutant(
        "beneficiaries: a beneficiary who withdrew consent is in the file",
        "beneficiaries/exports/cases.py",
        "Exists(agreed), ",
        "",
        first=f"{TESTS}::test_a_beneficiary_who_withdrew_consent_is_not_in_the_file",
    ),
    Mutant(
        "beneficiaries: a case with emergency access is exported",
        "beneficiaries/exports/cases.py",
        "user=None, ",
        "",
        first=f"{TESTS}::test_another_ngos_beneficiaries_are_in_no_file",
    ),
    Mutant(
        "beneficiaries: more rows are exported than were counted",
        OPERATION,
        "most=export.counted_rows,",
        "most=rules.EXPORT_ROWS_AT_ONCE,",
        first=f"{TESTS}::test_more_rows_than_were_counted_make_no_file",
    ),
    Mutant(
        "beneficiaries: an export is downloaded without a recent proof",
        VIEW,
        "@recent_authentication\ndef export_file",
        "def export_file",
        first=f"{LINKS}::test_requesting_and_downloading_need_a_recent_proof",
    ),
    Mutant(
        "reintegration: the register of grants opens without summary access",
        "reintegration/exports.py",
        "opened_by=(Permission.READ_SUMMARIES,),",
        "opened_by=(Permission.READ_CASES,),",
        first=f"{TESTS}::test_the_register_of_grants_names_nobody",
    ),
]
