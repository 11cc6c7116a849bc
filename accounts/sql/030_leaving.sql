-- Return whether the acting user manages the users of this organisation or configures the system at IOM. These decide who
-- takes over the work of a user who leaves. Called only by the reviewed functions that count and hand over such work.
CREATE OR REPLACE FUNCTION access.manages_users_of(organisation uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH today AS (SELECT (now() AT TIME ZONE 'Asia/Kathmandu')::date AS day)
    SELECT access.has_permission(access.user_id(), organisation, 'manage_users', day)
           OR EXISTS (SELECT 1 FROM accounts_organisation o
                       WHERE o.kind = 'iom' AND access.has_permission(access.user_id(), o.id, 'configure', day))
      FROM today;
$$;
ALTER FUNCTION access.manages_users_of(uuid) OWNER TO iom_functions;
REVOKE ALL ON FUNCTION access.manages_users_of(uuid) FROM PUBLIC;
