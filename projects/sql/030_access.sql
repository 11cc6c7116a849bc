-- Where the organisation has cases, single programmes of a role need the approval of a second user too.
CREATE OR REPLACE FUNCTION access.programme_is_approved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE found accounts_role;
BEGIN
    SELECT * INTO found FROM accounts_role r WHERE r.group_id = NEW.group_id FOR NO KEY UPDATE;
    PERFORM 1 FROM accounts_organisation o WHERE o.id = found.organisation_id FOR SHARE; -- its first case waits, or is seen
    IF session_user = 'iom_app' AND access.has_cases(found.organisation_id)
       AND NOT EXISTS (SELECT 1 FROM accounts_accessrequest a
                         JOIN projects_project j ON j.id = NEW.content_object_id AND a.programmes @> ARRAY[j.code]::varchar[]
                        WHERE a.kind = 'programmes' AND a.state = 'done' AND a.done_at = now()
                          AND a.role_id = found.id) THEN
        RAISE EXCEPTION 'a role that sees more programmes needs a second user' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'projects_role_approved';
    END IF;
    RETURN NEW;
END $$;
ALTER FUNCTION access.programme_is_approved() OWNER TO iom_functions;
CREATE OR REPLACE TRIGGER programme_is_approved BEFORE INSERT OR UPDATE ON projects_projectgrouppermission
    FOR EACH ROW EXECUTE FUNCTION access.programme_is_approved();
