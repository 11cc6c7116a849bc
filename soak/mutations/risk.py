"""The risk level, who is notified, and visits."""

from soak.mutations.mutant import Mutant

RISK = [
    Mutant(
        "beneficiaries: risk assessments open to receivers",
        "beneficiaries/models/risk.py",
        "        read=Level.WORKING,\n",
        "        read=Level.SUMMARY,\n",
        first="tests/access/test_rows.py::test_rows_of_a_case_are_read_and_written_as_the_table_says_by_the_database_alone",
    ),
    Mutant(
        "beneficiaries: a mail for each change of the risk",
        "beneficiaries/operations/risk.py",
        "mail_key=mail_key, ",
        "",
        first="tests/beneficiaries/test_risk.py::"
        "test_one_mail_a_case_recipient_and_hour_and_each_high_risk_in_the_app",
    ),
    Mutant(
        "beneficiaries: a reader assesses the risk",
        "beneficiaries/operations/risk.py",
        "CaseFile.objects.editable_by(by)",
        "CaseFile.objects.visible_to(by)",
        first="tests/access/test_scope_alone.py::test_a_reader_closes_no_case_and_records_no_visit_by_python_alone",
    ),
    Mutant(
        "beneficiaries: the risk is lowered without a reason",
        "beneficiaries/operations/risk.py",
        "    if rules.is_lower_risk(level, former=file.risk) and not reason.strip():\n"
        '        raise ValidationError({"reason": _("Say why the risk level is lower now.")})\n',
        "",
        first="tests/beneficiaries/test_risk.py::test_the_api_assesses_and_lowering_needs_a_reason",
    ),
    Mutant(
        "beneficiaries: the risk is set without an assessment",
        "beneficiaries/sql/090_risk.sql",
        "       AND current_user <> 'iom_functions' THEN",
        "       AND false THEN",
        first="tests/beneficiaries/test_risk.py::test_the_database_checks_the_level_and_its_reason",
    ),
    Mutant(
        "beneficiaries: an assessment follows any level",
        "beneficiaries/sql/090_risk.sql",
        "    IF level IS DISTINCT FROM NEW.former THEN",
        "    IF false THEN",
        first="tests/beneficiaries/test_risk.py::test_the_database_checks_the_level_and_its_reason",
    ),
    Mutant(
        "beneficiaries: protection supervisors are not notified of a high risk",
        "beneficiaries/operations/risk.py",
        "    if is_high or not supervisors:",
        "    if not supervisors:",
        first="tests/beneficiaries/test_risk.py::test_in_danger_at_a_visit_raises_the_risk_and_notifies",
    ),
    Mutant(
        "beneficiaries: the emergency page leads to a case for anybody",
        "beneficiaries/views/note.py",
        "    if case_by_reference(request.user, reference) is not None:",
        "    if reference:",
        first="tests/beneficiaries/test_risk.py::test_the_notice_leads_a_protection_supervisor_to_a_page_that_they_may_open",
    ),
    Mutant(
        "reintegration: a failed attempt has no next one",
        "reintegration/operations/follow_up.py",
        "    if next_on and not row.origin.startswith(EXTRA):",
        "    if False:",
        first="tests/reintegration/test_visits.py::test_a_visit_that_found_nobody_makes_the_next_attempt",
    ),
    Mutant(
        "reintegration: nobody is notified of failed visits",
        "reintegration/rules.py",
        "    return is_high_risk or (outcome == FollowUpOutcome.NOT_FOUND and attempt >= ATTEMPTS)",
        "    return False",
        first="tests/reintegration/test_visits.py::test_at_a_high_risk_the_next_attempt_is_the_next_day_and_supervisors_are_notified",
    ),
    Mutant(
        "reintegration: danger at a visit does not raise the risk",
        "reintegration/operations/follow_up.py",
        "    if wellbeing == Wellbeing.DANGER:",
        "    if False:",
        first="tests/beneficiaries/test_risk.py::test_in_danger_at_a_visit_raises_the_risk_and_notifies",
    ),
    Mutant(
        "reintegration: a visit long before its day is not asked about",
        "reintegration/operations/follow_up.py",
        "    if is_early and counts is None:",
        "    if False:",
        first="tests/reintegration/test_visits.py::test_the_api_asks_about_an_early_visit",
    ),
]
