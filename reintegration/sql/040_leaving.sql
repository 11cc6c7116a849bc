-- Count a user's running grants in cases of an organisation, for users who manage its users; else 0.
CREATE OR REPLACE FUNCTION access.open_grants_of(of_user uuid, in_organisation uuid) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT count(*)
      FROM reintegration_grant g JOIN beneficiaries_case c ON c.id = g.case_id
     WHERE g.requested_by_id = of_user AND c.lead_organisation_id = in_organisation
       AND g.state IN ('requested', 'endorsed', 'approved') AND access.manages_users_of(in_organisation);
$$;

-- Count running grants in programmes of an organisation: nobody could decide on them once it is deactivated.
CREATE OR REPLACE FUNCTION access.grants_waiting_in(in_organisation uuid) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT count(*)
      FROM reintegration_grant g JOIN projects_project p ON p.id = g.project_id
     WHERE p.managed_by_id = in_organisation AND g.state IN ('requested', 'endorsed', 'approved')
       AND access.manages_users_of(in_organisation);
$$;
ALTER FUNCTION access.open_grants_of(uuid, uuid) OWNER TO iom_functions;
ALTER FUNCTION access.grants_waiting_in(uuid) OWNER TO iom_functions;
REVOKE ALL ON FUNCTION access.open_grants_of(uuid, uuid), access.grants_waiting_in(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.open_grants_of(uuid, uuid), access.grants_waiting_in(uuid) TO iom_app;
