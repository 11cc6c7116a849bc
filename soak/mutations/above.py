"""Programmes and their money, plans and grants, and the API."""

from soak.mutations.mutant import Mutant

REINTEGRATION = [
    Mutant(
        "reintegration: plans open at reference",
        "reintegration/models/plan.py",
        "        read=Level.WORKING,\n",
        "        read=Level.REFERENCE,\n",
    ),
    Mutant(
        "reintegration: grants are asked for at reference",
        "reintegration/models/grant.py",
        "        insert=Level.WORKING,\n",
        "        insert=Level.REFERENCE,\n",
    ),
    Mutant(
        "reintegration: every grant in the list",
        "reintegration/queries.py",
        "        Grant.objects.visible_to(user)\n        .select_related(\n",
        "        Grant.objects.select_related(\n",
        first="tests/test_pages_alone.py",
    ),
    Mutant(
        "reintegration: every visit in the list",
        "reintegration/queries.py",
        "        FollowUp.objects.visible_to(user)\n        .open()",
        "        FollowUp.objects.all()\n        .open()",
        first="tests/test_pages_alone.py",
    ),
    Mutant(
        "reintegration: a grant moves without the permission",
        "reintegration/operations/grant.py",
        "    if rules.MOVES[deed].permission not in permissions:\n        raise PermissionDenied\n",
        "",
        first="tests/test_grants.py",
    ),
    Mutant(
        "reintegration: one person asks and approves",
        "reintegration/operations/grant.py",
        "    if deed not in open_moves:\n",
        "    if False:\n",
        first="tests/test_refusals.py",
    ),
    Mutant(
        "reintegration: a visit is recorded by who reads",
        "reintegration/operations/follow_up.py",
        "    found = FollowUp.objects.editable_by(by).select_for_update()",
        "    found = FollowUp.objects.visible_to(by).select_for_update()",
        first="tests/test_refusals.py",
    ),
    Mutant(
        "reintegration: a visit's page opens to readers",
        "reintegration/views/follow_up.py",
        "    if not FollowUp.objects.editable_by(request.user).filter(pk=found.pk).exists():\n"
        "        raise PermissionDenied\n",
        "",
    ),
    Mutant(
        "reintegration: the payer may be who asked or approved",
        "reintegration/sql/010_grant.sql",
        "    IF NEW.paid_by_id IN (g.requested_by_id, g.approved_by_id) THEN",
        "    IF false THEN",
        first="tests/test_grants.py",
    ),
    Mutant(
        "reintegration: a grant starts where its row says",
        "reintegration/sql/010_grant.sql",
        "    IF NEW.state <> 'requested' OR NEW.endorsed_by_id IS NOT NULL OR NEW.approved_by_id IS NOT NULL THEN",
        "    IF false THEN",
        first="tests/test_rows.py",
    ),
]

PROJECTS = [
    Mutant(
        "projects: anybody changes a programme",
        "projects/operations.py",
        "    if by is not None and not may_configure(by):\n        raise PermissionDenied\n",
        "    return\n",
    ),
    Mutant(
        "projects: the ledger is everybody's in the database",
        "projects/models.py",
        '        read="t.organisation_id = ANY((SELECT wall.figures())::uuid[])",',
        '        read="wall.has_user()",',
        first="tests/test_scope_alone.py",
    ),
    Mutant(
        "projects: the ledger is everybody's in Python",
        "projects/models.py",
        'return self.filter(organisation_id__in=authority_of(user).where("read_figures"))',
        "return self.all()",
        first="tests/test_scope_alone.py",
    ),
    Mutant(
        "projects: money is posted by who sees figures",
        "projects/models.py",
        '        insert="t.organisation_id = ANY((SELECT wall.decides())::uuid[])",',
        '        insert="t.organisation_id = ANY((SELECT wall.figures())::uuid[])",',
        first="tests/test_rows.py",
    ),
]

API = [
    Mutant(
        "api: a token opens beside the session's person",
        "api/authentication.py",
        "        enter(token.user.pk)\n",
        "",
        first="tests/test_api.py",
    ),
    Mutant(
        "api: every case",
        "api/views/cases.py",
        "        return Case.objects.visible_to(user).prefetch_related(",
        "        return Case.objects.prefetch_related(",
        first="tests/test_pages_alone.py",
    ),
    Mutant(
        "api: every person",
        "api/views/cases.py",
        'return Beneficiary.objects.visible_to(user).select_related("home_district", "home_local_level")',
        'return Beneficiary.objects.select_related("home_district", "home_local_level")',
        first="tests/test_pages_alone.py",
    ),
    Mutant(
        "api: every reminder",
        "api/views/reintegration.py",
        'return Reminder.objects.visible_to(user).select_related("recipient")',
        'return Reminder.objects.select_related("recipient")',
        first="tests/test_pages_alone.py",
    ),
    Mutant(
        "api: deeds open to who finds the row",
        "api/views/base.py",
        "        if not allowed:\n            raise PermissionDenied\n",
        "        return\n",
        first="tests/test_api.py",
    ),
    Mutant(
        "api: a key of a hidden row is taken",
        "api/serializers/base.py",
        'found = self.rows(self.context["request"].user).filter(pk=key).first()',
        'found = self.rows(self.context["request"].user).model.objects.filter(pk=key).first()',
        first="tests/test_pages_alone.py",
    ),
    Mutant(
        "api: nobody in particular is let in",
        "iom_cases/settings.py",
        '"DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],',
        '"DEFAULT_PERMISSION_CLASSES": [],',
        first="tests/test_api.py",
    ),
]
