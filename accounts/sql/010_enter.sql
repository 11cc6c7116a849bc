-- Set the context of this transaction to a user (`who`; NULL: nobody). This is the only way to set it: the function reads
-- the memberships itself, callers never pass a list.
CREATE OR REPLACE FUNCTION access.enter(who uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    reading uuid[]; editing uuid[]; summaries uuid[]; deciding uuid[]; restricted uuid[];
    counselling uuid[]; auditing boolean; managing uuid[]; programmes uuid[]; found uuid;
    exporting uuid[]; releasing uuid[];
BEGIN
    SELECT u.id INTO found FROM accounts_user u WHERE u.id = who AND u.is_active;
    SELECT array_agg(DISTINCT r.organisation_id) FILTER (WHERE p.codename = 'read_cases'),
           array_agg(DISTINCT r.organisation_id) FILTER (WHERE p.codename = 'write_cases'),
           array_agg(DISTINCT r.organisation_id) FILTER (WHERE p.codename = 'read_summaries'),
           array_agg(DISTINCT r.organisation_id)
               FILTER (WHERE p.codename IN ('endorse_grants', 'approve_grants', 'pay_grants')),
           array_agg(DISTINCT r.organisation_id) FILTER (WHERE p.codename = 'read_restricted'),
           array_agg(DISTINCT r.organisation_id) FILTER (WHERE p.codename = 'read_counselling'),
           array_agg(DISTINCT r.organisation_id) FILTER (WHERE p.codename = 'export_cases'),
           array_agg(DISTINCT r.organisation_id) FILTER (WHERE p.codename = 'approve_exports'),
           bool_or(p.codename = 'read_audit' AND o.kind = 'iom')
      INTO reading, editing, summaries, deciding, restricted, counselling, exporting, releasing, auditing
      FROM accounts_membership m
      JOIN accounts_role r ON r.id = m.role_id
      JOIN accounts_organisation o ON o.id = r.organisation_id AND o.is_active
      JOIN accounts_organisationgrouppermission g
        ON g.group_id = r.group_id AND g.content_object_id = r.organisation_id
      JOIN auth_permission p ON p.id = g.permission_id
     WHERE m.user_id = found
       AND m.starts_on <= (now() AT TIME ZONE 'Asia/Kathmandu')::date
       AND (m.ends_on IS NULL OR m.ends_on >= (now() AT TIME ZONE 'Asia/Kathmandu')::date);
    PERFORM set_config('access.user_id', coalesce(found::text, ''), true),
            set_config('access.reads', coalesce(reading::text, ''), true),
            set_config('access.edits', coalesce(editing::text, ''), true),
            set_config('access.summaries', coalesce(summaries::text, ''), true),
            set_config('access.decides', coalesce(deciding::text, ''), true),
            set_config('access.restricted', coalesce(restricted::text, ''), true),
            set_config('access.counselling', coalesce(counselling::text, ''), true),
            set_config('access.exports', coalesce(exporting::text, ''), true),
            set_config('access.releases', coalesce(releasing::text, ''), true),
            set_config('access.audits', coalesce(auditing::text, ''), true);
    -- The programmes to which the user has summary access, and the organisations that manage them (projects/sql).
    SELECT f.organisations, f.programmes INTO managing, programmes FROM access.programmes_of(found) f;
    PERFORM set_config('access.shows', coalesce((summaries || managing)::text, ''), true),
            set_config('access.programmes', coalesce(programmes::text, ''), true);
END $$;
GRANT SELECT ON accounts_user, accounts_membership, accounts_role, accounts_organisation,
    accounts_organisationgrouppermission, auth_permission TO iom_functions;
ALTER FUNCTION access.enter(uuid) OWNER TO iom_functions;
GRANT EXECUTE ON FUNCTION access.enter(uuid) TO iom_app;
