"""What core says once: levels, policies, context, the request's frame."""

from soak.mutations.mutant import Mutant

SCOPING = "core/scoping.py"
POLICIES = "core/policies.py"
CONTEXT = "core/context.py"
MIDDLEWARE = "core/middleware.py"
WALL_SQL = "core/sql/010_wall.sql"

CORE = [
    Mutant(
        "core: working opens what is the lead's",
        SCOPING,
        "Level.LEAD: (Level.LEAD,),",
        "Level.LEAD: (Level.LEAD, Level.WORKING),",
    ),
    Mutant(
        "core: reference opens what asks for working",
        SCOPING,
        "Level.WORKING: (Level.LEAD, Level.WORKING),",
        "Level.WORKING: (Level.LEAD, Level.WORKING, Level.REFERENCE),",
        first="tests/test_scope_alone.py",
    ),
    Mutant(
        "core: a slice opens every referral of the case",
        SCOPING,
        "if level not in (Level.REFERENCE, Level.SLICE)",
        "if level not in (Level.REFERENCE,)",
        first="tests/test_levels.py",
    ),
    Mutant(
        "core: policies forget that access expires",
        POLICIES,
        '        f"     AND (a.expires_at IS NULL OR a.expires_at > now()))"\n',
        '        f"     )"\n',
        first="tests/test_expiry.py",
    ),
    Mutant(
        "core: policies forget that an emergency is one person's",
        POLICIES,
        '        f"     AND (a.person_id IS NULL OR a.person_id = wall.person())\\n"\n',
        "",
        first="tests/test_scope_alone.py",
    ),
    Mutant(
        "core: policies read figures at a slice",
        POLICIES,
        "(SELECT wall.{figures}())::uuid[]) AND a.level <> 'slice'\"",
        '(SELECT wall.{figures}())::uuid[])"',
        first="tests/test_scope_alone.py",
    ),
    Mutant(
        "core: policies let any receiver read a referral",
        POLICIES,
        "AND a.level = 'slice' AND a.organisation_id = {alias}.receiver_id",
        "AND a.level = 'slice'",
        first="tests/test_scope_alone.py",
    ),
    Mutant(
        "core: policies forget confidentiality",
        POLICIES,
        "    if wall_of(model).by_confidentiality:\n",
        "    if False:\n",
        first="tests/test_scope_alone.py",
    ),
    Mutant(
        "core: policies open sealed notes beside the lead",
        POLICIES,
        "(a.level = 'lead' AND ({special}))",
        "({special})",
        first="tests/test_levels.py",
    ),
    Mutant(
        "core: policies take either right for both kinds of sealed notes",
        POLICIES,
        "ANY((SELECT wall.{kind}())::uuid[])",
        "ANY((SELECT wall.restricted())::uuid[])",
        first="tests/test_scope_alone.py",
    ),
    Mutant(
        "core: policies change with the right to read",
        POLICIES,
        '"update": made(wall.update, "edits", "decides"),',
        '"update": made(wall.update, "reads", "decides"),',
    ),
    Mutant(
        "core: policies add with the right to read",
        POLICIES,
        'insert = made(wall.insert, "edits", "decides")',
        'insert = made(wall.insert, "reads", "decides")',
    ),
    Mutant(
        "core: policies decide with the right to see figures",
        POLICIES,
        '"update": made(wall.update, "edits", "decides"),',
        '"update": made(wall.update, "edits", "figures"),',
    ),
    Mutant(
        "core: an organisation opens cases that another leads",
        POLICIES,
        'f"{alias}.lead_organisation_id = ANY((SELECT wall.edits())::uuid[])"',
        '"wall.has_user()"',
    ),
    Mutant(
        "core: policies aren't forced on their owner",
        POLICIES,
        '    yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"\n',
        '    yield f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"\n',
        first="tests/test_wall.py",
    ),
    Mutant(
        "core: the wall is taken down",
        POLICIES,
        '    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"\n',
        '    yield f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"\n',
    ),
    Mutant(
        "core: the application may do anything with walled tables",
        POLICIES,
        '        yield f"GRANT {command.upper()} ON {table} TO {APP}"',
        '        yield f"GRANT ALL ON {table} TO {APP}"',
        first="tests/test_wall.py",
    ),
    Mutant(
        "core: rows of two cases may be mixed",
        POLICIES,
        "        yield from same_case_statements(model)",
        "        list(same_case_statements(model))",
        first="tests/test_wall.py",
    ),
    Mutant(
        "core: acting as somebody has no way back",
        CONTEXT,
        "        yield\n        enter(former)\n",
        "        yield\n",
        first="tests/test_wall.py",
    ),
    Mutant(
        "core: what a refused request wrote stays",
        MIDDLEWARE,
        "            if response.status_code >= 400 or",
        "            if",
        first="tests/test_refusals.py",
    ),
    Mutant(
        "core: denials aren't recorded",
        MIDDLEWARE,
        "response.status_code in (403, 404) and",
        "response.status_code in (403,) and",
        first="tests/test_refusals.py",
    ),
    Mutant(
        "core: pages may be kept in a shared cache",
        MIDDLEWARE,
        'response.headers.setdefault("Cache-Control", "no-store")',
        'response.headers.setdefault("Cache-Control", "public, max-age=600")',
        first="tests/test_refusals.py",
    ),
    Mutant(
        "core: who edits is who reads",
        WALL_SQL,
        "current_setting('wall.edits', true)",
        "current_setting('wall.reads', true)",
    ),
    Mutant(
        "core: who decides is who sees figures",
        WALL_SQL,
        "current_setting('wall.decides', true)",
        "current_setting('wall.figures', true)",
    ),
    Mutant(
        "core: counselling notes for who has the right to restricted ones",
        WALL_SQL,
        "current_setting('wall.counselling', true)",
        "current_setting('wall.restricted', true)",
        first="tests/test_scope_alone.py",
    ),
    Mutant(
        "core: a key of a form is anybody's",
        "core/idempotency.py",
        "IdempotencyKey.objects.filter(pk=key, user_id=by.pk, purpose=purpose).first()",
        "IdempotencyKey.objects.filter(pk=key, purpose=purpose).first()",
        first="tests/test_scope_alone.py",
    ),
    Mutant(
        "core: the record of what happened may be read",
        "core/models.py",
        "        read=None,\n        insert=\"t.verb <> ''\",",
        '        read="wall.has_user()",\n        insert="t.verb <> \'\'",',
        first="tests/test_levels.py",
    ),
]
