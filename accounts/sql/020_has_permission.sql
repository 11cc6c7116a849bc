-- Return whether a user has a permission in an organisation on a day, as enter() reads it for the acting user.
CREATE OR REPLACE FUNCTION access.has_permission(of_user uuid, organisation uuid, permission text, today date) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT EXISTS (
        SELECT 1
          FROM accounts_membership m
          JOIN accounts_user u ON u.id = m.user_id AND u.is_active
          JOIN accounts_role r ON r.id = m.role_id AND r.organisation_id = organisation
          JOIN accounts_organisation o ON o.id = r.organisation_id AND o.is_active
          JOIN accounts_organisationgrouppermission g
            ON g.group_id = r.group_id AND g.content_object_id = r.organisation_id
          JOIN auth_permission p ON p.id = g.permission_id AND p.codename = permission
         WHERE m.user_id = of_user AND m.starts_on <= today AND (m.ends_on IS NULL OR m.ends_on >= today));
$$;
ALTER FUNCTION access.has_permission(uuid, uuid, text, date) OWNER TO iom_functions;
