"""Who corrects a record, on which version, and who reads what it said before."""

from soak.mutations.mutant import Mutant

OPERATION, TESTS = "beneficiaries/operations/correction.py", "tests/beneficiaries/test_corrections.py"
IDENTITY, IDENTITY_TESTS = "beneficiaries/operations/identity.py", "tests/beneficiaries/test_identity.py"
CONSENT, CONSENT_TESTS = "beneficiaries/operations/consent.py", "tests/beneficiaries/test_consents.py"
PLAN, PLAN_TESTS = "reintegration/operations/plan.py", "tests/reintegration/test_plans.py"
VISIT = "reintegration/operations/follow_up.py"
VISIT_TESTS = "tests/reintegration/test_visit_corrections.py"
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
        "if any(asks_reason(field, former) for _name, field, former in changed) and not reason.strip():",
        "if False:",
        first=f"{TESTS}::test_a_name_is_corrected_with_a_reason",
    ),
    Mutant(
        "beneficiaries: the database lets a column change without the next version",
        "beneficiaries/sql/095_corrections.sql",
        "IF current_user = 'iom_app' AND NEW.version <> OLD.version + 1",
        "IF false",
        first=f"{TESTS}::test_no_column_changes_without_the_next_version",
    ),
    Mutant(
        "beneficiaries: whoever reads a record records its identity documents",
        IDENTITY,
        "owners = Beneficiary.objects.editable_by(by).select_for_update()",
        "owners = Beneficiary.objects.visible_to(by).select_for_update()",
        first=f"{IDENTITY_TESTS}::test_nobody_else_records",
    ),
    Mutant(
        "beneficiaries: an identity document of an erased beneficiary is recorded",
        IDENTITY,
        "owners.filter(pk=beneficiary.pk, erased_on=None)",
        "owners.filter(pk=beneficiary.pk)",
        first=f"{IDENTITY_TESTS}::test_an_erased_number_is_unreadable_and_not_found",
    ),
    Mutant(
        "beneficiaries: a corrected identity document overwrites one that its user has not seen",
        IDENTITY,
        "    if found.version != version:\n        raise ChangedMeanwhile(found)\n",
        "",
        first=f"{IDENTITY_TESTS}::test_the_second_of_two_is_refused_and_chooses",
    ),
    Mutant(
        "beneficiaries: everybody reads identity documents",
        "beneficiaries/models/identity.py",
        "read=identity_documents_read_by",
        "read=lambda principal: ~Q(pk=None)",
        first="tests/database/test_identity.py::test_who_reads_the_record_reads_its_documents",
    ),
    Mutant(
        "beneficiaries: everybody reads what was corrected in an identity document",
        "beneficiaries/models/change.py",
        'read=points_to(IdentityDocument, "document", identity_documents_read_by)',
        "read=lambda principal: ~Q(pk=None)",
        first="tests/database/test_identity.py::test_who_reads_the_record_reads_its_documents",
    ),
    Mutant(
        "beneficiaries: the same number in another organisation is shown",
        "beneficiaries/queries/identity.py",
        ", beneficiary__organisation=case.beneficiary.organisation_id",
        "",
        first=f"{IDENTITY_TESTS}::test_the_same_number_in_another_organisation_is_neither_refused_nor_shown",
    ),
    Mutant(
        "beneficiaries: an erased beneficiary is found by the number of a document",
        "beneficiaries/erased_columns.py",
        'return [*columns, *getattr(model, "never_recorded", ())] if columns else []',
        "return columns",
        first=f"{IDENTITY_TESTS}::test_an_erased_number_is_unreadable_and_not_found",
    ),
    Mutant(
        "beneficiaries: a number is corrected without a reason",
        "core/record_fields.py",
        "return field.needs_reason and not (field.is_free_to_fill and not any(former.values()))",
        "return field.needs_reason and not field.is_free_to_fill",
        first=f"{IDENTITY_TESTS}::test_a_corrected_number_keeps_the_former_one_with_the_reason",
    ),
    Mutant(
        "beneficiaries: whoever reads a consent corrects it",
        CONSENT,
        'rows = Consent.objects.editable_by(by).select_for_update(of=("self",))',
        'rows = Consent.objects.visible_to(by).select_for_update(of=("self",))',
        first=f"{CONSENT_TESTS}::test_nobody_but_the_lead_corrects",
    ),
    Mutant(
        "beneficiaries: a corrected consent lets an organisation read for longer",
        CONSENT,
        "if gives_access and rules.lasts_longer(row.until_on, former=former_until):",
        "if False:",
        first=f"{CONSENT_TESTS}::test_a_consent_to_share_never_lasts_longer",
    ),
    Mutant(
        "beneficiaries: the database lets a consent last longer",
        "beneficiaries/sql/095_corrections.sql",
        "AND (NEW.until_on IS NULL OR NEW.until_on > OLD.until_on)",
        "AND false",
        first=f"{CONSENT_TESTS}::test_a_consent_to_share_never_lasts_longer",
    ),
    Mutant(
        "beneficiaries: the database lets a withdrawn consent come back",
        "beneficiaries/sql/095_corrections.sql",
        "OLD.withdrawn_on IS NOT NULL AND NEW.withdrawn_on IS DISTINCT FROM OLD.withdrawn_on",
        "false",
        first=f"{CONSENT_TESTS}::test_the_database_keeps_the_answer_as_it_was_given",
    ),
    Mutant(
        "beneficiaries: a corrected consent is a child's own",
        CONSENT,
        "    check_giver(case=row.case, given_by=row.given_by, reason=row.reason, on=row.asked_on)\n",
        "",
        first=f"{CONSENT_TESTS}::test_a_childs_consent_is_not_corrected_to_be_the_childs_own",
    ),
    Mutant(
        "reintegration: whoever reads a plan corrects it",
        PLAN,
        'plans = Plan.objects.editable_by(by).select_for_update(of=("self",))',
        'plans = Plan.objects.visible_to(by).select_for_update(of=("self",))',
        first=f"{PLAN_TESTS}::test_nobody_else_corrects",
    ),
    Mutant(
        "reintegration: a plan says another livelihood than its grant",
        PLAN,
        'if "livelihood" in columns and grants.exists():',
        "if False:",
        first=f"{PLAN_TESTS}::test_a_livelihood_with_a_grant_stays",
    ),
    Mutant(
        "reintegration: whoever reads a follow-up corrects it",
        VISIT,
        'rows = FollowUp.objects.editable_by(by).select_related("case").select_for_update(of=("self",))',
        'rows = FollowUp.objects.visible_to(by).select_related("case").select_for_update(of=("self",))',
        first=f"{VISIT_TESTS}::test_nobody_else_corrects",
    ),
    Mutant(
        "reintegration: danger that is found late raises no risk",
        VISIT,
        'if "wellbeing" in columns and row.wellbeing == Wellbeing.DANGER:',
        "if False:",
        first=f"{VISIT_TESTS}::test_danger_raises_the_risk",
    ),
]
