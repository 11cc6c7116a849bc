"""The risk level, who hears of it, and visits."""

from soak.mutations.mutant import Mutant

RISK = [
    Mutant(
        "beneficiaries: risk assessments open to receivers",
        "beneficiaries/models/risk.py",
        "        read=Level.WORKING,\n",
        "        read=Level.SUMMARY,\n",
        first="tests/access/test_rows.py::test_the_rows_of_a_case_by_the_database_alone",
    ),
    Mutant(
        "beneficiaries: the risk is assessed by who reads",
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
        first="tests/beneficiaries/test_risk.py::test_the_database_holds_the_level_and_its_reason",
    ),
    Mutant(
        "beneficiaries: an assessment follows any level",
        "beneficiaries/sql/090_risk.sql",
        "    IF level IS DISTINCT FROM NEW.former THEN",
        "    IF false THEN",
        first="tests/beneficiaries/test_risk.py::test_the_database_holds_the_level_and_its_reason",
    ),
    Mutant(
        "beneficiaries: protection supervisors don't hear of a high risk",
        "beneficiaries/operations/risk.py",
        "    if is_high or not supervisors:",
        "    if not supervisors:",
        first="tests/beneficiaries/test_risk.py::test_in_danger_at_a_visit_raises_the_risk_and_notifies",
    ),
    Mutant(
        "beneficiaries: the emergency page leads to a case for anybody",
        "beneficiaries/views/note.py",
        "    if queries.case_by_reference(request.user, reference) is not None:",
        "    if reference:",
        first="tests/beneficiaries/test_risk.py::test_the_notice_leads_a_protection_supervisor_to_what_they_may_open",
    ),
    Mutant(
        "reintegration: an attempt that failed is the last",
        "reintegration/operations/follow_up.py",
        "    if next_on and not row.origin.startswith(EXTRA):",
        "    if False:",
        first="tests/reintegration/test_visits.py::test_a_visit_that_found_nobody_makes_the_next_attempt",
    ),
    Mutant(
        "reintegration: nobody hears of whom nobody found",
        "reintegration/rules.py",
        "    return is_high_risk or (outcome == FollowUpOutcome.NOT_FOUND and attempt >= ATTEMPTS)",
        "    return False",
        first="tests/reintegration/test_visits.py::test_at_a_high_risk_it_is_tried_the_next_day_and_told_the_same_day",
    ),
    Mutant(
        "reintegration: in danger at a visit changes nothing",
        "reintegration/operations/follow_up.py",
        "    if wellbeing == Wellbeing.DANGER:",
        "    if False:",
        first="tests/beneficiaries/test_risk.py::test_in_danger_at_a_visit_raises_the_risk_and_notifies",
    ),
    Mutant(
        "reintegration: a visit long before its day is done",
        "reintegration/operations/follow_up.py",
        "    if is_early and counts is None:",
        "    if False:",
        first="tests/reintegration/test_visits.py::test_the_api_asks_too",
    ),
]
