"""Access rows, levels and emergency access: the scope in Python and the triggers."""

from soak.mutations.mutant import Mutant

ACCESS = "beneficiaries/models/access.py"
BASE = "beneficiaries/models/base.py"
ACCESS_SQL = "beneficiaries/sql/010_access.sql"
EMERGENCY_SQL = "beneficiaries/sql/030_emergency.sql"

LEVELS = [
    Mutant(
        "beneficiaries: an access row opens more than its level",
        ACCESS,
        "return self.level in OPENED_IN_FULL[level] and authority_of(user).may(",
        "return authority_of(user).may(",
        first="tests/access/test_scope_alone.py::test_access_found_for_one_user_is_checked_again_for_another",
    ),
    Mutant(
        "beneficiaries: a case file shows notes of every confidentiality",
        BASE,
        "confidentialities = [sorted(case.readable_confidentialities)] if policy.by_confidentiality else []",
        "confidentialities = [Confidentiality.values] if policy.by_confidentiality else []",
        first="tests/access/test_scope_alone.py::test_access_found_for_one_user_is_checked_again_for_another",
    ),
    Mutant(
        "beneficiaries: access found for one user counts for anybody",
        BASE,
        "if user.pk is None or case.worked_on_by != user.pk or not is_enough:",
        "if not is_enough:",
        first="tests/access/test_scope_alone.py::test_access_found_for_one_user_is_checked_again_for_another",
    ),
    Mutant(
        "beneficiaries: refused consent gives access",
        ACCESS_SQL,
        "AND c.is_given AND c.withdrawn_on IS NULL",
        "AND c.withdrawn_on IS NULL",
        first="tests/database/test_policies.py::test_without_consent_to_share_a_grant_is_decided_with_summary_access",
    ),
    Mutant(
        "beneficiaries: withdrawn consent gives access",
        ACCESS_SQL,
        "AND c.is_given AND c.withdrawn_on IS NULL",
        "AND c.is_given",
        first="tests/database/test_policies.py::test_consent_opens_the_file_to_iom_and_withdrawal_closes_it",
    ),
    Mutant(
        "beneficiaries: expired consent gives access",
        ACCESS_SQL,
        "SELECT a.organisation_id, 'working' AS level, 'consent' AS basis, a.expires_at",
        "SELECT a.organisation_id, 'working' AS level, 'consent' AS basis, NULL::timestamptz AS expires_at",
        first="tests/access/test_levels.py::test_consent_with_an_end_opens_the_file_until_then",
    ),
    Mutant(
        "beneficiaries: referral access outlives its referral",
        ACCESS_SQL,
        " AND r.state IN ('sent', 'accepted')",
        "",
        first="tests/access/test_levels.py::test_when_a_referral_ends_its_items_close",
    ),
    Mutant(
        "beneficiaries: a referral without consent gives access",
        ACCESS_SQL,
        "          JOIN agreed a ON a.organisation_id = r.receiver_id AND a.purpose = 'referral'",
        "          LEFT JOIN agreed a ON a.organisation_id = r.receiver_id AND a.purpose = 'referral'",
        first="tests/access/test_levels.py::test_when_consent_is_withdrawn_the_items_close",
    ),
    Mutant(
        "beneficiaries: a programme opens the whole file",
        ACCESS_SQL,
        "SELECT DISTINCT p.managed_by_id, 'summary', 'programme'",
        "SELECT DISTINCT p.managed_by_id, 'working', 'programme'",
        first="tests/database/test_policies.py::test_without_consent_to_share_a_grant_is_decided_with_summary_access",
    ),
    Mutant(
        "beneficiaries: the lead of a case can be changed",
        ACCESS_SQL,
        "AND current_user <> 'iom_functions') THEN",
        "AND current_user = 'iom_functions') THEN",
        first="tests/database/test_policies.py::test_the_lead_of_a_case_does_not_change_under_it",
    ),
    Mutant(
        "beneficiaries: anybody gets emergency access in the database",
        EMERGENCY_SQL,
        "p.id = g.permission_id AND p.codename = 'break_glass'",
        "p.id = g.permission_id",
        first="tests/access/test_levels.py::test_nobody_else_gets_emergency_access",
    ),
    Mutant(
        "beneficiaries: partners get emergency access",
        EMERGENCY_SQL,
        "o.is_active AND o.kind = 'iom'",
        "o.is_active",
        first="tests/access/test_levels.py::test_a_partners_protection_supervisor_gets_no_emergency_access",
    ),
    Mutant(
        "beneficiaries: emergency access opens to the whole organisation",
        EMERGENCY_SQL,
        "            access.user_id(), opened.reference,",
        "            NULL, opened.reference,",
        first="tests/access/test_levels.py::test_emergency_access_opens_one_file_to_one_user_and_notifies_the_lead",
    ),
    Mutant(
        "beneficiaries: emergency access lasts for ever",
        EMERGENCY_SQL,
        "'working', 'emergency', now() + interval '60 minutes',",
        "'working', 'emergency', NULL,",
        first="tests/access/test_levels.py::test_emergency_access_ends_after_an_hour",
    ),
    Mutant(
        "beneficiaries: a referral access row shows the case's status",
        "beneficiaries/sql/010_access.sql",
        "CASE WHEN a.level = 'referral' THEN '' ELSE c.status END AS status",
        "c.status AS status",
        first="tests/access/test_levels.py::test_a_receivers_access_row_says_nothing_about_the_case",
    ),
    Mutant(
        "reintegration: everybody sees a programme's aggregates",
        "reintegration/sql/030_totals.sql",
        "(p.managed_by_id = ANY(access.organisations_with('read_summaries'))\n",
        "(true OR p.managed_by_id = ANY(access.organisations_with('read_summaries'))\n",
        first="tests/reintegration/test_aggregates.py::test_the_database_refuses_aggregates_without_summary_access",
    ),
    Mutant(
        "reintegration: a manager of one programme sees the aggregates of all",
        "reintegration/sql/030_totals.sql",
        "OR p.id = ANY(access.projects_with('read_summaries'))",
        "OR access.projects_with('read_summaries') <> '{}'",
        first="tests/access/test_programmes_of_roles.py::test_aggregates_are_those_of_the_users_programmes",
    ),
    Mutant(
        "beneficiaries: an access row names another organisation's programmes",
        ACCESS_SQL,
        "            ON m.case_id = a.case_id AND m.managed_by_id = a.organisation_id AND a.level <> 'referral'\n"
        "         WHERE a.case_id = of_case",
        "            ON m.case_id = a.case_id AND a.level <> 'referral'\n         WHERE a.case_id = of_case",
        first="tests/access/test_programmes_of_roles.py::test_an_access_row_names_the_programmes_of_its_own_organisation",
    ),
    Mutant(
        "beneficiaries: a programme stays visible to its former manager",
        ACCESS_SQL,
        "FOR EACH ROW WHEN (NEW.managed_by_id <> OLD.managed_by_id) EXECUTE FUNCTION access.manager_changed();",
        "FOR EACH ROW WHEN (false) EXECUTE FUNCTION access.manager_changed();",
        first="tests/access/test_programmes_of_roles.py::test_a_programme_is_hidden_once_another_organisation_manages_it",
    ),
    Mutant(
        "beneficiaries: a programme with enrolments is given to another organisation",
        ACCESS_SQL,
        "CREATE OR REPLACE TRIGGER programme_stays BEFORE UPDATE OR DELETE ON",
        "CREATE OR REPLACE TRIGGER programme_stays BEFORE DELETE ON",
        first="tests/access/test_who_manages.py::"
        "test_an_administrator_alone_moves_no_programme_with_enrolments_to_another_organisation",
    ),
    Mutant(
        "beneficiaries: an admission does not lock the programme",
        ACCESS_SQL,
        "    PERFORM 1 FROM projects_project p WHERE p.id = NEW.project_id FOR SHARE;\n",
        "",
        first="tests/access/test_who_manages.py::test_an_admission_and_another_manager_at_once_wait_for_each_other",
    ),
    Mutant(
        "beneficiaries: a summary row may have a district",
        "beneficiaries/migrations/0001_initial.py",
        "models.Q(('level__in', ['lead', 'working']), ('district', None), _connector='OR')",
        "models.Q(('level__in', ['lead', 'working', 'summary']), ('district', None), _connector='OR')",
        first="tests/access/test_summary_access.py::test_the_database_keeps_no_district_in_a_summary_access_row",
        afresh=True,
    ),
]
