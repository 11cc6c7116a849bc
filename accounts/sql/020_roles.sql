-- Lock a user's row until the transaction ends. Whatever compares a user's address, roles or requests does so after this:
-- what a parallel transaction changes is committed by then, and seen.
CREATE OR REPLACE FUNCTION access.lock_user(of_user uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT 1 FROM accounts_user u WHERE u.id = of_user FOR NO KEY UPDATE;
$$;
REVOKE ALL ON FUNCTION access.lock_user(uuid) FROM PUBLIC;
GRANT UPDATE ON accounts_user TO iom_functions; -- for the row lock
ALTER FUNCTION access.lock_user(uuid) OWNER TO iom_functions;

-- Refuse two incompatible roles of one user in one organisation at one time: the pairs of accounts/rules.py. The user's
-- row is locked, so that of two roles given at once one sees the other.
CREATE OR REPLACE FUNCTION access.roles_apart() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM access.lock_user(NEW.user_id);
    IF EXISTS (
        SELECT 1
          FROM accounts_role given
          JOIN accounts_role other ON other.organisation_id = given.organisation_id
          JOIN accounts_membership m ON m.role_id = other.id AND m.user_id = NEW.user_id AND m.id <> NEW.id
         WHERE given.id = NEW.role_id
           AND daterange(m.starts_on, m.ends_on, '[]') && daterange(NEW.starts_on, NEW.ends_on, '[]')
           AND (least(given.code, other.code), greatest(given.code, other.code)) IN
               (('finance', 'grant_approver'), ('administrator', 'auditor'))) THEN
        RAISE EXCEPTION 'nobody holds these two roles together' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'accounts_membership_roles_apart';
    END IF;
    RETURN NEW;
END $$;
ALTER FUNCTION access.roles_apart() OWNER TO iom_functions;
CREATE OR REPLACE TRIGGER roles_apart AFTER INSERT OR UPDATE ON accounts_membership
    FOR EACH ROW EXECUTE FUNCTION access.roles_apart();

-- Refuse to give one role the permissions to approve and to pay.
CREATE OR REPLACE FUNCTION access.role_decides_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM accounts_organisationgrouppermission g
          JOIN auth_permission p ON p.id = g.permission_id
         WHERE g.group_id = NEW.group_id AND p.codename IN ('approve_grants', 'pay_grants')) > 1 THEN
        RAISE EXCEPTION 'one role does not approve and pay' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'accounts_role_decides_once';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER role_decides_once AFTER INSERT OR UPDATE ON accounts_organisationgrouppermission
    FOR EACH ROW EXECUTE FUNCTION access.role_decides_once();
