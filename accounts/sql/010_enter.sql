-- The context of a transaction: for which user it acts, and what this user may do.
-- The organisations in which the user has a permission, and the single projects on which they have it.
CREATE OR REPLACE FUNCTION access.organisations_with(permission text) RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('access.organisations_' || permission, true), '')::uuid[], '{}') $$;
CREATE OR REPLACE FUNCTION access.projects_with(permission text) RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('access.projects_' || permission, true), '')::uuid[], '{}') $$;
-- Whether the user reads the audit log: IOM's auditor.
CREATE OR REPLACE FUNCTION access.audits() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(current_setting('access.audits', true), '') = 'true' $$;

-- What a user may do now, as Python keeps it for a request: the organisations where they have a role, with their
-- permissions, and the permissions on single projects.
CREATE OR REPLACE FUNCTION access.granted_to(which uuid) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH granted AS MATERIALIZED (SELECT * FROM access.granted WHERE user_id = which)
    SELECT jsonb_build_object(
        'organisations', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'id', o.id, 'name_en', o.name_en, 'name_ne', o.name_ne, 'kind', o.kind, 'permissions', (
                           SELECT coalesce(jsonb_agg(DISTINCT g.permission), '[]') FROM granted g
                            WHERE g.organisation_id = o.id AND g.project_id IS NULL)) ORDER BY o.code), '[]')
              FROM accounts_organisation o
             WHERE o.is_active AND EXISTS (
                   SELECT 1 FROM accounts_membership m
                     JOIN accounts_user u ON u.id = m.user_id AND u.is_active
                     JOIN accounts_role r ON r.id = m.role_id AND r.organisation_id = o.id
                    WHERE m.user_id = which AND m.starts_on <= (now() AT TIME ZONE 'Asia/Kathmandu')::date
                      AND (m.ends_on IS NULL OR m.ends_on >= (now() AT TIME ZONE 'Asia/Kathmandu')::date))),
        'projects', (
            SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object('id', g.project_id, 'permission', g.permission)), '[]')
              FROM granted g WHERE g.project_id IS NOT NULL));
$$;
ALTER FUNCTION access.granted_to(uuid) OWNER TO iom_functions;
GRANT EXECUTE ON FUNCTION access.granted_to(uuid) TO iom_app;

-- Let this transaction act for a user (NULL: for nobody), and return what they may do, as granted_to does. This is the
-- only way to set the context: the function reads the memberships itself, callers never pass a list.
CREATE OR REPLACE FUNCTION access.enter(which uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE found uuid; granted jsonb; settings text[];
BEGIN
    SELECT u.id INTO found FROM accounts_user u WHERE u.id = which AND u.is_active;
    granted := access.granted_to(found);
    -- What the former context set.
    PERFORM set_config(name, '', true)
       FROM unnest(string_to_array(current_setting('access.settings', true), ',')) AS name;
    WITH ids AS (
        SELECT 'access.organisations_' || permission AS name, o ->> 'id' AS id
          FROM jsonb_array_elements(granted -> 'organisations') o,
               jsonb_array_elements_text(o -> 'permissions') permission
        UNION ALL
        SELECT 'access.projects_' || (p ->> 'permission'), p ->> 'id'
          FROM jsonb_array_elements(granted -> 'projects') p
    ), lists AS (
        SELECT name, set_config(name, '{' || string_agg(id, ',') || '}', true) FROM ids GROUP BY name
    )
    SELECT array_agg(name) INTO settings FROM lists;
    PERFORM set_config('access.user_id', coalesce(found::text, ''), true),
            set_config('access.settings', coalesce(array_to_string(settings, ','), ''), true),
            set_config('access.audits', (EXISTS (
                SELECT 1 FROM jsonb_array_elements(granted -> 'organisations') o
                 WHERE o ->> 'kind' = 'iom' AND o -> 'permissions' ? 'read_audit'))::text, true);
    RETURN granted;
END $$;
GRANT SELECT ON accounts_user, accounts_membership, accounts_role, accounts_organisation,
    accounts_organisationgrouppermission, auth_permission TO iom_functions;
ALTER FUNCTION access.enter(uuid) OWNER TO iom_functions;
GRANT EXECUTE ON FUNCTION access.enter(uuid), access.organisations_with(text), access.projects_with(text),
    access.audits() TO iom_app;
