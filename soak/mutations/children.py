"""Who counts as a child, and so doesn't consent alone."""

from soak.mutations.mutant import Mutant

TESTS = "tests/beneficiaries/test_child.py"
CHILDREN = [
    Mutant(
        "beneficiaries: a birth year counts as its first day",
        "beneficiaries/rules.py",
        "birth + timedelta(days=doubt) if birth else None",
        "birth",
        first=f"{TESTS}::test_the_youngest_age_counts_and_no_age_that_may_be_another_is_said_alone",
    ),
    Mutant(
        "beneficiaries: a child who may be shared already is handed on by a yes of their own",
        "beneficiaries/operations/transfer.py",
        "    check_giver(case=case, given_by=given_by, reason=why_nobody_asked, on=now.date())\n",
        "",
        first=f"{TESTS}::test_a_later_consent_a_referral_and_a_transfer",
    ),
    Mutant(
        "beneficiaries: an imported row's doubt counts as an adult's",
        "beneficiaries/operations/intake.py",
        "age = rules.youngest_age(details.birth_on, details.birth_precision, asked_on or today)",
        "age = rules.age_on(details.birth_on, asked_on or today)",
        first=f"{TESTS}::test_an_imported_row_and_a_case_opened_in_the_past",
    ),
]
