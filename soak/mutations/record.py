"""The record of who did and read what, the keys that encrypt, and erasing a person."""

from soak.mutations.mutant import Mutant

RECORD = [
    Mutant(
        "core: what is shown is not on record",
        "core/audit.py",
        'if request.method in ("GET", "HEAD"):',
        'if request.method == "HEAD":',
        first="tests/access/test_reading.py::test_every_page_about_a_case_is_a_reading",
    ),
    Mutant(
        "core: a form that is drawn again is not on record",
        "core/audit.py",
        'if request.method not in ("GET", "HEAD"):',
        "if False:",
        first="tests/access/test_admin_reading.py",
    ),
    Mutant(
        "core: any method opens a page of the admin",
        "iom_cases/admin.py",
        "if request.method not in METHODS:",
        "if False:",
        first="tests/access/test_admin_reading.py",
    ),
    Mutant(
        "core: a page of the admin without a record of its own is not on record",
        "iom_cases/admin.py",
        "if response.status_code == 200 and name not in UNRECORDED",
        "if False and name not in UNRECORDED",
        first="tests/access/test_admin_reading.py",
    ),
    Mutant(
        "core: keys are handed to nobody in particular",
        "core/sql/030_data_keys.sql",
        "WHERE k.subject_id = ANY (subjects) AND access.has_user()",
        "WHERE k.subject_id = ANY (subjects)",
        first="tests/core/test_encrypted_fields.py::test_who_is_nobody_gets_no_key",
    ),
    Mutant(
        "core: a value opens in another row",
        "core/encrypted_fields.py",
        'return f"{table}.{column} {row}"',
        'return f"{table}.{column}"',
        first="tests/core/test_encrypted_fields.py::test_a_value_that_was_moved_or_changed_is_refused",
        afresh=True,
    ),
    Mutant(
        "core: an event is tied to nothing before it",
        "core/sql/020_audit.sql",
        "sha256(former || convert_to",
        "sha256(convert_to",
        first="tests/core/test_audit_chain.py::test_the_demo_and_what_followed_is_whole",
    ),
    Mutant(
        "beneficiaries: who opened a case is told to everybody",
        "beneficiaries/sql/050_readers.sql",
        "AND a.organisation_id = ANY(access.reads())",
        "",
        first="tests/access/test_reading.py::test_nobody_else_is_told_who_opened_a_case",
    ),
    Mutant(
        "beneficiaries: anybody erases a person by SQL",
        "beneficiaries/sql/060_erasure.sql",
        "OR access.has_permission(access.user_id(), found.organisation_id, 'erase_beneficiaries', today) IS NOT TRUE",
        "",
        first="tests/beneficiaries/test_erasure.py::test_nobody_else_erases_a_person",
    ),
    Mutant(
        "beneficiaries: anybody erases a person in Python",
        "beneficiaries/queries/case.py",
        "return authority_of(user).may(Permission.ERASE_BENEFICIARIES, case.lead_organisation_id)",
        "return True",
        first="tests/beneficiaries/test_erasure.py::test_nobody_else_erases_a_person",
    ),
    Mutant(
        "beneficiaries: a person with an open case is erased",
        "beneficiaries/sql/060_erasure.sql",
        "AND status <> 'closed'",
        "AND status = 'none'",
        first="tests/beneficiaries/test_erasure.py::test_a_person_with_an_open_case_stays",
    ),
]
