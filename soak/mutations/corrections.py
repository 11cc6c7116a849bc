"""Who corrects a record, on which version, and who reads what it said before."""

from soak.mutations.mutant import Mutant

OPERATION, TESTS = "beneficiaries/operations/correction.py", "tests/beneficiaries/test_corrections.py"
CORRECTIONS = [
    Mutant(
        "beneficiaries: whoever reads a record corrects it",
        OPERATION,
        "records = Beneficiary.objects.editable_by(by).select_for_update()",
        "records = Beneficiary.objects.visible_to(by).select_for_update()",
        first=f"{TESTS}::test_nobody_else_corrects",
    ),
    Mutant(
        "beneficiaries: a correction overwrites one that its user has not seen",
        OPERATION,
        "    if row.version != version:\n        raise ChangedMeanwhile(row)\n",
        "",
        first=f"{TESTS}::test_the_second_of_two_is_refused_and_loses_nothing",
    ),
    Mutant(
        "beneficiaries: a name is corrected without a reason",
        OPERATION,
        "if any(field.needs_reason for _name, field, _former in changed) and not reason.strip():",
        "if False:",
        first=f"{TESTS}::test_a_name_is_corrected_with_a_reason",
    ),
    Mutant(
        "beneficiaries: everybody reads what was corrected",
        "beneficiaries/models/change.py",
        'return self.filter(beneficiary__in=Beneficiary.objects.visible_to(user).values("pk"))',
        "return self.all()",
        first="tests/access/test_scope_alone.py",
    ),
    Mutant(
        "beneficiaries: the database lets a column change without the next version",
        "beneficiaries/sql/095_corrections.sql",
        "IF current_user = 'iom_app' AND NEW.version <> OLD.version + 1 THEN",
        "IF false THEN",
        first=f"{TESTS}::test_no_column_changes_without_the_next_version",
    ),
]
