"""The audit log, encryption keys, and erasing a beneficiary."""

from soak.mutations.mutant import Mutant

AUDIT = [
    Mutant(
        "core: reading is not recorded",
        "core/audit.py",
        'if request.method in ("GET", "HEAD"):',
        'if request.method == "HEAD":',
        first="tests/access/test_reading.py::test_every_page_about_a_case_is_recorded_as_reading",
    ),
    Mutant(
        "core: a form that is shown again is not recorded",
        "core/audit.py",
        'if request.method not in ("GET", "HEAD"):',
        "if False:",
        first="tests/access/test_admin_reading.py",
    ),
    Mutant(
        "core: any method opens an admin page",
        "iom_cases/admin.py",
        "if request.method not in METHODS:",
        "if False:",
        first="tests/access/test_admin_reading.py",
    ),
    Mutant(
        "core: an admin page without an event of its own is not recorded",
        "iom_cases/admin.py",
        "if response.status_code == 200 and name not in UNRECORDED",
        "if False and name not in UNRECORDED",
        first="tests/access/test_admin_reading.py",
    ),
    Mutant(
        "core: data keys are returned without a user",
        "core/sql/030_data_keys.sql",
        "WHERE k.subject_id = ANY (subjects) AND access.has_user()",
        "WHERE k.subject_id = ANY (subjects)",
        first="tests/core/test_encrypted_fields.py::test_without_a_user_no_data_key_is_returned",
    ),
    Mutant(
        "core: an encrypted value is decrypted in another row",
        "core/encrypted_fields.py",
        'return f"{table}.{column} {row}"',
        'return f"{table}.{column}"',
        first="tests/core/test_encrypted_fields.py::test_an_encrypted_value_that_was_moved_or_changed_is_refused",
        afresh=True,
    ),
    Mutant(
        "core: an event is not chained to the one before",
        "core/sql/020_audit.sql",
        "sha256(former || convert_to",
        "sha256(convert_to",
        first="tests/core/test_audit_chain.py::test_the_chain_of_the_demo_data_and_of_later_events_is_whole",
    ),
    Mutant(
        "beneficiaries: everybody sees who opened a case",
        "beneficiaries/sql/050_readers.sql",
        "AND a.organisation_id = ANY(access.organisations_with('read_cases'))",
        "",
        first="tests/access/test_reading.py::test_nobody_else_sees_who_opened_a_case",
    ),
    Mutant(
        "beneficiaries: anybody erases a beneficiary by SQL",
        "beneficiaries/sql/060_erasure.sql",
        "OR access.has_permission(access.user_id(), found.organisation_id, 'erase_beneficiaries', today) IS NOT TRUE",
        "",
        first="tests/beneficiaries/test_erasure.py::test_nobody_else_erases_a_beneficiary",
    ),
    Mutant(
        "beneficiaries: anybody erases a beneficiary in Python",
        "beneficiaries/queries/case.py",
        "return authority_of(user).may(Permission.ERASE_BENEFICIARIES, case.lead_organisation_id)",
        "return True",
        first="tests/beneficiaries/test_erasure.py::test_nobody_else_erases_a_beneficiary",
    ),
    Mutant(
        "beneficiaries: a beneficiary with an open case is erased",
        "beneficiaries/sql/060_erasure.sql",
        "AND status <> 'closed'",
        "AND status = 'none'",
        first="tests/beneficiaries/test_erasure.py::test_a_beneficiary_with_an_open_case_is_not_erased",
    ),
    Mutant(
        "core: an odd detail hides the log",
        "core/audit.py",
        'found["user"] = _key(detail["user"])',
        'found["user"] = UUID(str(detail["user"]))',
        first="tests/database/test_audit_names.py::test_an_odd_detail_hides_no_page_of_the_log",
    ),
    Mutant(
        "core: the application reads the values that an event stores",
        "core/policies.py",
        'columns = _columns_read(model) if command == "select" else ""',
        'columns = ""',
        first="tests/database/test_audit_names.py::test_the_application_reads_no_values_that_an_event_stores",
    ),
]
