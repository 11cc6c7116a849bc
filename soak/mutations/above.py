"""Programmes and their money, plans and grants, and the API."""

from soak.mutations.mutant import Mutant

FOLLOWING = "projects/sql/020_programmes.sql"

REINTEGRATION = [
    Mutant(
        "reintegration: plans open at reference",
        "reintegration/models/plan.py",
        "        read=Level.WORKING,\n",
        "        read=Level.REFERENCE,\n",
        first="tests/test_rows.py::test_the_rows_of_a_case_by_the_database_alone",
    ),
    Mutant(
        "reintegration: grants are asked for at reference",
        "reintegration/models/grant.py",
        "        insert=Level.WORKING,\n",
        "        insert=Level.REFERENCE,\n",
        first="tests/test_rows.py::test_the_rows_of_a_case_by_the_database_alone",
    ),
    Mutant(
        "reintegration: every grant in the list",
        "reintegration/queries.py",
        "        Grant.objects.visible_to(user)\n        .select_related(\n",
        "        Grant.objects.select_related(\n",
        first="tests/test_pages_alone.py::test_every_address_answers_as_behind_both_walls[ngo_b_caseworker]",
    ),
    Mutant(
        "reintegration: every visit in the list",
        "reintegration/queries.py",
        "        FollowUp.objects.visible_to(user)\n        .open()",
        "        FollowUp.objects.all()\n        .open()",
        first="tests/test_pages_alone.py::test_lists_tell_the_second_ngo_nothing",
    ),
    Mutant(
        "reintegration: a grant moves without the permission",
        "reintegration/operations/grant.py",
        "    if rules.MOVES[deed].permission not in permissions:\n        raise PermissionDenied\n",
        "",
        first="tests/test_grants.py::test_people_without_the_right_do_not_endorse",
    ),
    Mutant(
        "reintegration: one person asks and approves",
        "reintegration/operations/grant.py",
        "    if deed not in open_moves:\n",
        "    if False:\n",
        first="tests/test_refusals.py::test_nobody_makes_a_token_for_another_or_endorses_what_they_asked_for",
    ),
    Mutant(
        "reintegration: a visit is recorded by who reads",
        "reintegration/operations/follow_up.py",
        "        FollowUp.objects.editable_by(by)\n        .select_related",
        "        FollowUp.objects.visible_to(by)\n        .select_related",
        first="tests/test_scope_alone.py::test_a_reader_closes_no_case_and_records_no_visit_by_python_alone",
    ),
    Mutant(
        "reintegration: a visit's page opens to readers",
        "reintegration/views/follow_up.py",
        "    if not FollowUp.objects.editable_by(request.user).filter(pk=found.pk).exists():\n"
        "        raise PermissionDenied\n",
        "",
        first="tests/test_pages_alone.py::test_every_address_answers_as_behind_both_walls[ngo_a_reader]",
    ),
    Mutant(
        "reintegration: the payer may be who asked or approved",
        "reintegration/sql/010_grant.sql",
        "    IF NEW.paid_by_id IN (g.requested_by_id, g.approved_by_id) THEN",
        "    IF false THEN",
        first="tests/test_grants.py::test_the_database_refuses_a_wrong_payment",
    ),
    Mutant(
        "reintegration: a grant starts where its row says",
        "reintegration/sql/010_grant.sql",
        "    IF NEW.state <> 'requested' OR NEW.endorsed_by_id IS NOT NULL OR NEW.approved_by_id IS NOT NULL THEN",
        "    IF false THEN",
        first="tests/test_rows.py::test_a_grant_starts_at_the_beginning_whatever_its_row_says",
    ),
]

PROJECTS = [
    Mutant(
        "projects: anybody changes a programme",
        "projects/operations.py",
        "    if by is not None and not may_configure(by):\n        raise PermissionDenied\n",
        "    return\n",
        first="tests/test_refusals.py::test_a_deed_is_for_those_who_may_do_it[configure]",
    ),
    Mutant(
        "projects: the ledger is everybody's in the database",
        "projects/models.py",
        '        "AND (t.organisation_id = ANY(wall.figures()) OR EXISTS ("',
        '        "OR wall.has_user() AND (true OR EXISTS ("',
        first="tests/test_scope_alone.py::test_pythons_scope_finds_the_rows_that_the_policies_find",
    ),
    Mutant(
        "projects: the ledger is everybody's in Python",
        "projects/models.py",
        "        if authority.programmes:\n            found |= Q(",
        "        return self.all()\n        if authority.programmes:\n            found |= Q(",
        first="tests/test_scope_alone.py::test_pythons_scope_finds_the_rows_that_the_policies_find",
    ),
    Mutant(
        "projects: money is posted by who sees figures",
        "projects/models.py",
        '        insert="t.organisation_id = ANY((SELECT wall.decides())::uuid[])",',
        '        insert="t.organisation_id = ANY((SELECT wall.figures())::uuid[])",',
        first="tests/test_rows.py::test_money_is_posted_by_those_who_decide",
    ),
    Mutant(
        "projects: the ledger of every programme for whoever follows one, in the database",
        "projects/models.py",
        '        "AND b.project_id = ANY(wall.programmes())))",',
        '        "AND true))",',
        first="tests/test_programmes_of_roles.py::test_the_database_alone_shows_a_manager_their_programmes",
    ),
    Mutant(
        "projects: the ledger of every programme for whoever follows one, in Python",
        "projects/models.py",
        ", budget_line__project_id__in=authority.programmes",
        "",
        first="tests/test_programmes_of_roles.py::test_python_alone_shows_a_manager_their_programmes",
    ),
    Mutant(
        "projects: a programme is followed before the first day",
        FOLLOWING,
        "       AND m.starts_on <= (now() AT TIME ZONE 'Asia/Kathmandu')::date\n",
        "",
        first="tests/test_programmes_of_roles.py::test_a_programme_is_followed_while_the_role_is_held",
    ),
    Mutant(
        "projects: a programme is followed after the last day",
        FOLLOWING,
        "       AND (m.ends_on IS NULL OR m.ends_on >= (now() AT TIME ZONE 'Asia/Kathmandu')::date);",
        "       ;",
        first="tests/test_programmes_of_roles.py::test_a_programme_is_followed_while_the_role_is_held",
    ),
    Mutant(
        "projects: a programme is followed in a deactivated organisation",
        FOLLOWING,
        "ON o.id = r.organisation_id AND o.is_active",
        "ON o.id = r.organisation_id",
        first="tests/test_programmes_of_roles.py::test_a_deactivated_organisations_programmes_are_followed_by_nobody",
    ),
    Mutant(
        "projects: another organisation's programme is followed",
        FOLLOWING,
        "ON j.id = g.content_object_id AND j.managed_by_id = r.organisation_id",
        "ON j.id = g.content_object_id",
        first="tests/test_programmes_of_roles.py::test_a_programme_that_another_organisation_manages_is_no_longer_seen",
    ),
    Mutant(
        "projects: any permission on a programme shows its figures",
        FOLLOWING,
        "JOIN auth_permission p ON p.id = g.permission_id AND p.codename = 'read_figures'",
        "JOIN auth_permission p ON p.id = g.permission_id",
        first="tests/test_programmes_of_roles.py::test_another_permission_on_a_programme_shows_nothing",
    ),
    Mutant(
        "projects: a role is given another organisation's programme",
        FOLLOWING,
        "ON r.organisation_id = j.managed_by_id AND r.group_id = NEW.group_id",
        "ON r.group_id = NEW.group_id",
        first="tests/test_programmes_of_roles.py::test_the_database_gives_a_role_figures_of_its_own_programmes_alone",
    ),
    Mutant(
        "projects: who holds a role chooses its programmes",
        "projects/operations.py",
        "    refuse_own_role(role, by=by, now=now)\n",
        "",
        first="tests/test_programmes_of_roles.py::test_nobody_chooses_the_programmes_of_a_role_of_their_own",
    ),
]

API = [
    Mutant(
        "api: a token opens beside the session's person",
        "api/authentication.py",
        "        enter(token.user.pk)\n",
        "",
        first="tests/test_api.py::test_a_token_acts_as_its_person_even_beside_somebody_elses_session",
    ),
    Mutant(
        "api: every case",
        "api/views/cases.py",
        "        return Case.objects.visible_to(user).prefetch_related(",
        "        return Case.objects.prefetch_related(",
        first="tests/test_pages_alone.py::test_lists_tell_the_second_ngo_nothing",
    ),
    Mutant(
        "api: every person",
        "api/views/cases.py",
        'return Beneficiary.objects.visible_to(user).select_related("home_district", "home_local_level")',
        'return Beneficiary.objects.select_related("home_district", "home_local_level")',
        first="tests/test_pages_alone.py::test_lists_tell_the_second_ngo_nothing",
    ),
    Mutant(
        "api: every reminder",
        "api/views/reintegration.py",
        "return Reminder.objects.visible_to(user).exclude(waiting)",
        "return Reminder.objects.exclude(waiting)",
        first="tests/test_pages_alone.py::test_every_address_answers_as_behind_both_walls[ngo_b_caseworker]",
    ),
    Mutant(
        "api: deeds open to who finds the row",
        "api/views/base.py",
        "        if not allowed:\n            raise PermissionDenied\n",
        "        return\n",
        first="tests/test_api.py::test_a_deed_is_hidden_refused_or_open",
    ),
    Mutant(
        "api: a key of a hidden row is taken",
        "api/serializers/base.py",
        'found = self.rows(self.context["request"].user).filter(pk=key).first()',
        'found = self.rows(self.context["request"].user).model.objects.filter(pk=key).first()',
        first="tests/test_pages_alone.py::test_a_key_of_another_organisation_is_no_input",
    ),
    Mutant(
        "api: nobody in particular is let in",
        "iom_cases/settings.py",
        '"DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],',
        '"DEFAULT_PERMISSION_CLASSES": [],',
        first="tests/test_api.py::test_nobody_gets_nothing_but_the_schema",
    ),
]
