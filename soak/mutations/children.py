"""Who counts as a child, and so needs a guardian's consent."""

from soak.mutations.mutant import Mutant

TESTS = "tests/beneficiaries/test_child.py"
CHILDREN = [
    Mutant(
        "beneficiaries: a birth year counts as its first day",
        "beneficiaries/rules.py",
        "birth + timedelta(days=doubt) if birth else None",
        "birth",
        first=f"{TESTS}::test_the_youngest_possible_age_counts_and_an_uncertain_age_is_shown_as_such",
    ),
    Mutant(
        "beneficiaries: an age on a day counts as its first possible birth date",
        "beneficiaries/rules.py",
        "years_between(last_born_about(birth), on)",
        "years_between(birth, on)",
        first=f"{TESTS}::test_who_is_about_18_does_not_consent_alone",
    ),
    Mutant(
        "beneficiaries: a shared case of a child is transferred by the child's own consent",
        "beneficiaries/operations/transfer.py",
        "    check_giver(case=case, given_by=given_by, reason=why_nobody_asked, on=now.date())\n",
        "",
        first=f"{TESTS}::test_a_later_consent_a_referral_and_a_transfer_of_a_child_need_a_guardian",
    ),
    Mutant(
        "beneficiaries: an imported row of an uncertain age counts as an adult's",
        "beneficiaries/operations/intake.py",
        "age = rules.youngest_age(details.birth_on, details.birth_precision, asked_on or today)",
        "age = rules.age_on(details.birth_on, asked_on or today)",
        first=f"{TESTS}::test_an_imported_row_and_a_case_opened_in_the_past_count_the_age_at_consent",
    ),
]
