"""Programmes and their ledger, plans and grants, and the API."""

from soak.mutations.mutant import Mutant

PROGRAMMES_SQL = "projects/sql/020_programmes.sql"

REINTEGRATION = [
    Mutant(
        "reintegration: plans open to summary access",
        "reintegration/models/plan.py",
        "read=Level.WORKING,\n        insert=Level.WORKING,\n        update=Level.WORKING,",
        "read=Level.SUMMARY,\n        insert=Level.WORKING,\n        update=Level.WORKING,",
        first="tests/access/test_rows.py::test_rows_of_a_case_are_read_and_written_as_the_table_says_by_the_database_alone",
    ),
    Mutant(
        "reintegration: grants are requested with summary access",
        "reintegration/models/grant.py",
        "        insert=Level.WORKING,\n",
        "        insert=Level.SUMMARY,\n",
        first="tests/access/test_rows.py::test_rows_of_a_case_are_read_and_written_as_the_table_says_by_the_database_alone",
    ),
    Mutant(
        "reintegration: every grant in the list",
        "reintegration/queries.py",
        "        Grant.objects.visible_to(user)\n        .select_related(\n",
        "        Grant.objects.select_related(\n",
        first="tests/access/test_pages_alone.py::test_every_address_answers_the_same_without_policies[ngo_b_caseworker]",
    ),
    Mutant(
        "reintegration: every visit in the list",
        "reintegration/queries.py",
        "        FollowUp.objects.visible_to(user)\n        .open()",
        "        FollowUp.objects.all()\n        .open()",
        first="tests/access/test_pages_alone.py::test_lists_show_the_second_ngo_nothing_without_policies",
    ),
    Mutant(
        "reintegration: a grant's action needs no permission",
        "reintegration/operations/grant.py",
        "    if needed is not None and needed not in permissions:\n        raise PermissionDenied\n",
        "",
        first="tests/reintegration/test_grants.py::test_users_without_the_permission_do_not_endorse",
    ),
    Mutant(
        "reintegration: anybody withdraws a grant",
        "reintegration/operations/grant.py",
        "    if action in rules.ONLY and involved[rules.ONLY[action]] != by.pk:\n        raise PermissionDenied\n",
        "",
        first="tests/reintegration/test_grant_requests.py::test_nobody_but_its_requester_withdraws_a_grant",
    ),
    Mutant(
        "reintegration: the database lets anybody withdraw",
        "reintegration/sql/010_grant.sql",
        "       AND access.user_id() IS DISTINCT FROM NEW.requested_by_id THEN",
        "       AND false THEN",
        first="tests/reintegration/test_grant_requests.py::test_the_database_lets_only_the_requester_withdraw",
    ),
    Mutant(
        "reintegration: everybody sees what is left of a budget",
        "reintegration/sql/040_budget.sql",
        "AND a.organisation_id = ANY(access.organisations_with('read_cases'))\n",
        "\n",
        first="tests/reintegration/test_grant_requests.py::test_what_is_left_is_visible_with_summary_access_or_a_case_in_the_programme",
    ),
    Mutant(
        "reintegration: a user requests and approves",
        "reintegration/operations/grant.py",
        "    if action not in open_actions:\n",
        "    if False:\n",
        first="tests/access/test_refusals.py::test_nobody_makes_a_token_for_another_or_endorses_what_they_asked_for",
    ),
    Mutant(
        "reintegration: a reader records a visit",
        "reintegration/operations/follow_up.py",
        "        FollowUp.objects.editable_by(by)\n        .select_related",
        "        FollowUp.objects.visible_to(by)\n        .select_related",
        first="tests/access/test_scope_alone.py::test_a_reader_closes_no_case_and_records_no_visit_by_python_alone",
    ),
    Mutant(
        "reintegration: a visit's page opens to readers",
        "reintegration/views/follow_up.py",
        "    if not FollowUp.objects.editable_by(request.user).filter(pk=found.pk).exists():\n"
        "        raise PermissionDenied\n",
        "",
        first="tests/access/test_pages_alone.py::test_every_address_answers_the_same_without_policies[ngo_a_reader]",
    ),
    Mutant(
        "reintegration: the payer may be the requester or the approver",
        "reintegration/sql/010_grant.sql",
        "    IF NEW.paid_by_id IN (g.requested_by_id, g.approved_by_id) THEN",
        "    IF false THEN",
        first="tests/reintegration/test_grants.py::test_the_database_refuses_a_wrong_payment",
    ),
    Mutant(
        "reintegration: a new grant may have any state",
        "reintegration/sql/010_grant.sql",
        "    IF NEW.state <> 'requested' OR NEW.endorsed_by_id IS NOT NULL OR NEW.approved_by_id IS NOT NULL THEN",
        "    IF false THEN",
        first="tests/access/test_rows.py::test_a_grant_starts_as_requested_whatever_its_row_says",
    ),
]

PROJECTS = [
    Mutant(
        "projects: anybody changes a programme",
        "projects/operations.py",
        "    if by is not None and not may_configure(by):\n        raise PermissionDenied\n",
        "    return\n",
        first="tests/access/test_refusals.py::test_an_action_is_for_those_who_may_do_it[configure]",
    ),
    Mutant(
        "projects: a programme is visible before the role's first day",
        "projects/sql/granted.sql",
        " WHERE m.starts_on <= (now() AT TIME ZONE 'Asia/Kathmandu')::date\n",
        " WHERE true\n",
        first="tests/access/test_programmes_of_roles.py::test_a_programme_is_visible_while_the_role_lasts",
    ),
    Mutant(
        "projects: a programme is visible after the role's last day",
        "projects/sql/granted.sql",
        "   AND (m.ends_on IS NULL OR m.ends_on >= (now() AT TIME ZONE 'Asia/Kathmandu')::date)\n",
        "",
        first="tests/access/test_programmes_of_roles.py::test_a_programme_is_visible_while_the_role_lasts",
    ),
    Mutant(
        "projects: a programme is visible in a deactivated organisation",
        "projects/sql/granted.sql",
        "ON o.id = r.organisation_id AND o.is_active",
        "ON o.id = r.organisation_id",
        first="tests/access/test_programmes_of_roles.py::test_a_deactivated_organisations_programmes_are_visible_to_nobody",
    ),
    Mutant(
        "projects: another organisation's programme is visible",
        "projects/sql/granted.sql",
        "ON j.id = g.content_object_id AND j.managed_by_id = r.organisation_id",
        "ON j.id = g.content_object_id",
        first="tests/access/test_programmes_of_roles.py::test_a_programme_is_hidden_once_another_organisation_manages_it",
    ),
    Mutant(
        "projects: any permission on a programme shows its summaries",
        "accounts/sql/010_enter.sql",
        "'access.projects_' || (p ->> 'permission')",
        "'access.projects_read_summaries'",
        first="tests/access/test_programmes_of_roles.py::test_another_permission_on_a_programme_shows_nothing",
    ),
    Mutant(
        "projects: a role is given another organisation's programme",
        PROGRAMMES_SQL,
        "ON r.organisation_id = j.managed_by_id AND r.group_id = NEW.group_id",
        "ON r.group_id = NEW.group_id",
        first="tests/access/test_programmes_of_roles.py::test_the_database_gives_a_role_summaries_of_its_own_programmes_only",
    ),
    Mutant(
        "projects: users choose the programmes of their own role",
        "projects/operations.py",
        "    refuse_own_role(role, by=by, now=now)\n",
        "",
        first="tests/access/test_programmes_of_roles.py::test_nobody_chooses_the_programmes_of_a_role_of_their_own",
    ),
]

API = [
    Mutant(
        "api: a token is ignored in a session",
        "api/authentication.py",
        "        enter(token.user.pk)\n",
        "",
        first="tests/api/test_tokens.py::test_a_token_acts_as_its_user_even_with_somebody_elses_session",
    ),
    Mutant(
        "api: every case is listed",
        "api/views/case.py",
        "        return Case.objects.visible_to(user).prefetch_related(",
        "        return Case.objects.prefetch_related(",
        first="tests/access/test_pages_alone.py::test_lists_show_the_second_ngo_nothing_without_policies",
    ),
    Mutant(
        "api: every beneficiary is listed",
        "api/views/beneficiary.py",
        'return Beneficiary.objects.visible_to(user).select_related("home_district", "home_local_level")',
        'return Beneficiary.objects.select_related("home_district", "home_local_level")',
        first="tests/access/test_pages_alone.py::test_lists_show_the_second_ngo_nothing_without_policies",
    ),
    Mutant(
        "api: every reminder is listed",
        "api/views/follow_up.py",
        "return Reminder.objects.visible_to(user).exclude(waiting)",
        "return Reminder.objects.exclude(waiting)",
        first="tests/access/test_pages_alone.py::test_every_address_answers_the_same_without_policies[ngo_b_caseworker]",
    ),
    Mutant(
        "api: actions are open to everybody who sees the row",
        "api/views/base.py",
        "        if not allowed:\n            raise PermissionDenied\n",
        "        return\n",
        first="tests/api/test_scope.py::test_an_action_is_hidden_refused_or_allowed",
    ),
    Mutant(
        "api: the id of a hidden row is accepted",
        "api/serializers.py",
        'found = self.rows(self.context["request"].user).filter(pk=pk).first()',
        'found = self.rows(self.context["request"].user).model.objects.filter(pk=pk).first()',
        first="tests/access/test_pages_alone.py::test_an_id_of_another_organisation_is_refused",
    ),
    Mutant(
        "api: signing in is not required",
        "iom_cases/settings.py",
        '"DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],',
        '"DEFAULT_PERMISSION_CLASSES": [],',
        first="tests/api/test_tokens.py::test_signed_out_only_the_schema_is_served",
    ),
]
