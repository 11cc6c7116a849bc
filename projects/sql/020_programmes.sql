-- A role may see summaries of single programmes: of those that its own organisation manages, and nothing more.
GRANT SELECT ON projects_project, projects_projectgrouppermission TO iom_functions;

-- Return the codes of the programmes whose figures a role sees. Whoever approves the role is shown them.
CREATE OR REPLACE FUNCTION access.programmes_of_role(which uuid) RETURNS varchar[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT coalesce(array_agg(DISTINCT j.code), '{}')
      FROM accounts_role r
      JOIN projects_projectgrouppermission g ON g.group_id = r.group_id
      JOIN auth_permission p ON p.codename = 'read_summaries' AND p.id = g.permission_id
      JOIN projects_project j ON j.managed_by_id = r.organisation_id AND j.id = g.content_object_id
     WHERE r.id = which;
$$;
ALTER FUNCTION access.programmes_of_role(uuid) OWNER TO iom_functions;
GRANT EXECUTE ON FUNCTION access.programmes_of_role(uuid) TO iom_app;

-- A programme keeps its code. Otherwise a request that names the code could mean another programme after its approval.
CREATE OR REPLACE FUNCTION access.code_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a programme keeps its code' USING ERRCODE = 'check_violation',
        CONSTRAINT = 'projects_project_code_stays';
END $$;
CREATE OR REPLACE TRIGGER code_stays BEFORE UPDATE ON projects_project
    FOR EACH ROW WHEN (NEW.code <> OLD.code) EXECUTE FUNCTION access.code_stays();

-- The same rule for new rows: only `read_summaries`, and only for a role of the organisation that manages the
-- programme.
CREATE OR REPLACE FUNCTION access.role_follows_its_own() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM projects_project j
                     JOIN accounts_role r ON r.organisation_id = j.managed_by_id AND r.group_id = NEW.group_id
                     JOIN auth_permission p ON p.id = NEW.permission_id AND p.codename = 'read_summaries'
                    WHERE j.id = NEW.content_object_id) THEN
        RAISE EXCEPTION 'a role sees figures of programmes that its organisation manages, and nothing more of them'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'projects_role_follows_its_own';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER role_follows_its_own BEFORE INSERT OR UPDATE ON projects_projectgrouppermission
    FOR EACH ROW EXECUTE FUNCTION access.role_follows_its_own();
