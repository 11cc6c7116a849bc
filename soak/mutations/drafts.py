"""Unfinished interviews: who reads one, who moves one, and when one ends."""

from soak.mutations.mutant import Mutant

MODEL, SQL = "beneficiaries/models/draft.py", "beneficiaries/sql/090_drafts.sql"
OPERATION, TESTS = "beneficiaries/operations/draft.py", "tests/beneficiaries/test_drafts.py"

DRAFTS = [
    Mutant(
        "beneficiaries: an interview is taken along to another organisation",
        MODEL,
        '_OWN = "t.author_id = access.user_id() AND t.organisation_id = ANY((SELECT access.edits())::uuid[])"',
        '_OWN = "t.author_id = access.user_id()"',
        first=f"{TESTS}::test_who_no_longer_writes_there_reads_it_no_more",
    ),
    Mutant(
        "beneficiaries: an author deletes an interview in which somebody may be at risk",
        MODEL,
        'delete=f"{_OWN} AND NOT t.is_at_risk"',
        "delete=_OWN",
        first=f"{TESTS}::test_where_somebody_may_be_at_risk_a_supervisor_decides_first",
    ),
    Mutant(
        "beneficiaries: an author takes the risk off",
        SQL,
        "OR (OLD.is_at_risk AND NOT NEW.is_at_risk) ",
        "",
        first=f"{TESTS}::test_its_author_changes_neither_end_nor_risk",
    ),
    Mutant(
        "beneficiaries: an interview's key outlives it",
        SQL,
        "CREATE OR REPLACE TRIGGER draft_deleted AFTER DELETE",
        "CREATE OR REPLACE TRIGGER draft_deleted BEFORE UPDATE OF id",
        first=f"{TESTS}::test_what_is_refused_is_deleted_with_its_key",
    ),
    Mutant(
        "beneficiaries: anybody moves unfinished interviews",
        SQL,
        "ELSE access.may_reassign_drafts(access.user_id(), found.organisation_id) END) THEN",
        "ELSE true END) THEN",
        first=f"{TESTS}::test_nobody_else_moves_one",
    ),
    Mutant(
        "beneficiaries: whoever ends access takes an interview for themselves",
        SQL,
        "access.unfinished_draft(of_draft, new_author = access.user_id())",
        "access.unfinished_draft(of_draft, false)",
        first=f"{TESTS}::test_a_focal_point_gives_it_to_others_and_never_takes_it",
    ),
    Mutant(
        "beneficiaries: an interview goes to somebody who doesn't write there",
        SQL,
        "IF access.has_permission(new_author, draft.organisation_id, 'write_cases', today) IS NOT TRUE THEN",
        "IF new_author IS NULL THEN",
        first=f"{TESTS}::test_not_to_somebody_who_does_not_write_there",
    ),
    Mutant(
        "beneficiaries: time deletes an interview in which somebody may be at risk",
        SQL,
        "AND NOT w.is_at_risk AND w.expires_on <= day.today",
        "AND w.expires_on <= day.today",
        first=f"{TESTS}::test_author_and_supervisor_are_notified_two_days_before_and_it_goes",
    ),
    Mutant(
        "beneficiaries: an interview is deleted without a notice before",
        SQL,
        "AND w.warned_on <= day.today - 2",
        "",
        first=f"{TESTS}::test_none_goes_without_its_notice",
    ),
]
