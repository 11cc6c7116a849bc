"""The same cases shared as with django-guardian: a permission row for each case and organisation.

One group for each organisation, with `view_case` and `change_case` on every case that it leads or works on,
as an access row of these levels allows both; once in guardian's generic table, once in a table with a real
foreign key. The tables are filled from the access rows, so that both sides show the same cases.
"""

from bench.database import owner, run, say

STATEMENTS = (
    "TRUNCATE guardian_groupobjectpermission, bench_guarded_casegroupobjectpermission, accounts_user_groups",
    "DELETE FROM auth_group WHERE name LIKE 'bench:%'",
    "INSERT INTO auth_group (name) SELECT 'bench:' || id FROM accounts_organisation",
    """INSERT INTO accounts_user_groups (user_id, group_id)
       SELECT DISTINCT m.user_id, g.id FROM accounts_membership m JOIN accounts_role r ON r.id = m.role_id
         JOIN auth_group g ON g.name = 'bench:' || r.organisation_id""",
    """INSERT INTO bench_guarded_casegroupobjectpermission (permission_id, content_object_id, group_id)
       SELECT p.id, a.case_id, g.id FROM beneficiaries_caseaccess a
         JOIN auth_group g ON g.name = 'bench:' || a.organisation_id
         JOIN auth_permission p ON p.codename IN ('view_case', 'change_case')
        WHERE a.level IN ('lead', 'working') AND (a.expires_at IS NULL OR a.expires_at > now())""",
    """INSERT INTO guardian_groupobjectpermission (permission_id, content_type_id, object_pk, group_id)
       SELECT d.permission_id, p.content_type_id, d.content_object_id::text, d.group_id
         FROM bench_guarded_casegroupobjectpermission d JOIN auth_permission p ON p.id = d.permission_id""",
    # An index that a site listing cases by their own columns would have.
    "CREATE INDEX IF NOT EXISTS bench_case_by_change ON beneficiaries_case (changed_on DESC, id)",
    "VACUUM ANALYZE",
)


def ensure(name: str) -> None:
    """Fill guardian's tables in this database, unless they are filled."""
    with owner(name) as cursor:
        cursor.execute("SELECT to_regclass('bench_case_by_change') IS NOT NULL")
        if cursor.fetchone()[0]:
            return
        say("Filling django-guardian's tables …")
        run(name, "-m", "bench.guarded.tables")
        for statement in STATEMENTS:
            cursor.execute(statement)
        cursor.execute("SELECT count(*) FROM guardian_groupobjectpermission")
        say(f"  {cursor.fetchone()[0]:,} rows in each")
