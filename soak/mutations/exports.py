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
    Mutant(
        "beneficiaries: exports of a day are counted by the caller's clock",
        "beneficiaries/sql/080_exports.sql",
        "    NEW.asked_at := clock_timestamp(); -- not the caller's: the limits of a day depend on it\n",
        "",
        first="tests/beneficiaries/test_export_links.py::test_the_database_says_on_which_day_an_export_was_requested",
    ),
    Mutant(
        "beneficiaries: anybody settles an export",
        "beneficiaries/sql/080_exports.sql",
        "\n       AND (e.requested_by_id = access.user_id() OR NOT access.has_user());",
        ";",
        first="tests/beneficiaries/test_export_links.py::test_only_the_user_who_asked_or_nobody_settles_an_export",
    ),
]
