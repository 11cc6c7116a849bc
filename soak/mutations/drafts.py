"""Unfinished interviews: who reads one, who reassigns one, and when one is deleted."""

from soak.mutations.mutant import Mutant

MODEL, SQL = "beneficiaries/models/draft.py", "beneficiaries/sql/090_drafts.sql"
OPERATION, TESTS = "beneficiaries/operations/draft.py", "tests/beneficiaries/test_drafts.py"

DRAFTS = [
    Mutant(
        "beneficiaries: an author deletes an interview in which somebody may be at risk",
        "beneficiaries/models/draft.py",
        "delete=lambda principal: _own(principal) & Q(is_at_risk=False)",
        "delete=_own",
        first="tests/beneficiaries/test_drafts.py::test_a_draft_about_somebody_at_risk_waits_for_a_supervisor",
    ),
    Mutant(
        "beneficiaries: an author removes the risk of an interview",
        SQL,
        "OR (OLD.is_at_risk AND NOT NEW.is_at_risk) ",
        "",
        first=f"{TESTS}::test_its_author_changes_neither_end_nor_risk_of_a_draft",
    ),
    Mutant(
        "beneficiaries: an interview's data key outlives it",
        SQL,
        "CREATE OR REPLACE TRIGGER draft_deleted AFTER DELETE",
        "CREATE OR REPLACE TRIGGER draft_deleted BEFORE UPDATE OF id",
        first=f"{TESTS}::test_a_discarded_draft_is_deleted_with_its_data_key",
    ),
    Mutant(
        "beneficiaries: anybody reassigns unfinished interviews",
        SQL,
        "ELSE access.may_reassign_drafts(access.user_id(), found.organisation_id) END) THEN",
        "ELSE true END) THEN",
        first=f"{TESTS}::test_nobody_else_reassigns_a_draft",
    ),
    Mutant(
        "beneficiaries: a focal point reassigns an interview to themselves",
        SQL,
        "access.unfinished_draft(of_draft, new_author = access.user_id())",
        "access.unfinished_draft(of_draft, false)",
        first=f"{TESTS}::test_a_focal_point_reassigns_a_draft_to_others_and_never_to_themselves",
    ),
    Mutant(
        "beneficiaries: an interview is reassigned to a user who does not write cases",
        SQL,
        "IF access.has_permission(new_author, draft.organisation_id, 'write_cases', today) IS NOT TRUE THEN",
        "IF new_author IS NULL THEN",
        first=f"{TESTS}::test_a_draft_is_not_reassigned_to_a_user_who_does_not_write_cases",
    ),
    Mutant(
        "beneficiaries: an interview at risk is deleted at its end",
        SQL,
        "AND NOT w.is_at_risk AND w.expires_on <= day.today",
        "AND w.expires_on <= day.today",
        first="tests/beneficiaries/test_draft_expiry.py::test_author_and_supervisor_are_notified_two_days_before_a_draft_is_deleted",
    ),
    Mutant(
        "beneficiaries: an interview is deleted without a notice",
        SQL,
        "AND w.warned_on <= day.today - 2",
        "",
        first="tests/beneficiaries/test_draft_expiry.py::test_no_draft_is_deleted_without_its_notice",
    ),
    Mutant(
        "beneficiaries: an organisation with interviews alone counts as one without cases",
        "beneficiaries/sql/015_has_cases.sql",
        "CREATE OR REPLACE TRIGGER interview_is_noted AFTER INSERT ON beneficiaries_intakedraft\n"
        "    FOR EACH ROW EXECUTE FUNCTION access.case_is_noted();\n",
        "",
        first="tests/beneficiaries/test_drafts.py::test_an_organisation_with_an_interview_has_cases",
        afresh=True,
    ),
]
