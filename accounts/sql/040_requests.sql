-- In organisations with cases, giving access needs a second user's approval. The triggers below check it for every row that
-- the application writes; the owner, who migrates and loads data, is not checked.
GRANT SELECT, UPDATE ON accounts_accessrequest TO iom_functions;
GRANT UPDATE ON accounts_organisation, accounts_role TO iom_functions; -- for cases_since, and row locks
GRANT SELECT, DELETE ON mfa_authenticator, accounts_session TO iom_functions;
GRANT SELECT, UPDATE ON accounts_apitoken TO iom_functions;

-- Return whether an organisation has, or ever had, a case. An office of IOM has cases once any organisation has, as its
-- roles give access to all organisations' cases.
CREATE OR REPLACE FUNCTION access.has_cases(which uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT EXISTS (
        SELECT 1 FROM accounts_organisation o
         WHERE o.id = which
           AND (o.cases_since IS NOT NULL
                OR o.kind = 'iom' AND EXISTS (SELECT 1 FROM accounts_organisation any_of
                                               WHERE any_of.cases_since IS NOT NULL)));
$$;

-- Return the organisations with cases in which a user has a role, had one within a year (approval.GUARDED), or will have
-- one. A user with any such organisation is "guarded": changes to the account need a second user's approval.
CREATE OR REPLACE FUNCTION access.guarded_by(who uuid) RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT coalesce(array_agg(DISTINCT r.organisation_id), '{}')
      FROM accounts_membership m JOIN accounts_role r ON r.id = m.role_id
     WHERE m.user_id = who AND access.has_cases(r.organisation_id)
       AND (m.ends_on IS NULL OR m.ends_on >= (now() AT TIME ZONE 'Asia/Kathmandu')::date - 365);
$$;

CREATE OR REPLACE FUNCTION access.is_guarded(who uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT access.guarded_by(who) <> '{}';
$$;

-- Return a user, the users who asked for this user's access within a year or gave it without a second user, those who did
-- so for them, and so on. They count as one user in an approval. Access that administrators gave before there were cases
-- doesn't count, as administrators give it to everybody at first.
CREATE OR REPLACE FUNCTION access.brought_in_by(who uuid) RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH RECURSIVE origin (id) AS (
        SELECT who
        UNION
        SELECT given.by
          FROM origin CROSS JOIN LATERAL (
               SELECT a.asked_by_id
                 FROM accounts_accessrequest a
                WHERE a.user_id = origin.id AND a.state = 'done' AND a.done_at > now() - interval '1 year'
                UNION ALL
               SELECT m.given_by_id
                 FROM accounts_membership m
                WHERE m.user_id = origin.id AND m.request_id IS NULL AND m.given_at > now() - interval '1 year'
                  AND NOT EXISTS (SELECT 1 FROM accounts_membership g JOIN accounts_role r ON r.id = g.role_id
                                   WHERE g.user_id = m.given_by_id AND r.code = 'administrator')
          ) given (by)
    )
    SELECT coalesce(array_agg(id) FILTER (WHERE id IS NOT NULL), '{}') FROM origin;
$$;

-- Return who may decide on a request, and in which capacity: a focal point or supervisor of the organisation, or a
-- protection supervisor of IOM if the organisation has none left. Excluded are the user who asked, the user whose access
-- it is, holders of the role that would get more permissions, and users brought in by the same users. A role that was
-- given without a second user counts only after 14 days.
CREATE OR REPLACE FUNCTION access.approvers(request uuid) RETURNS TABLE (user_id uuid, decides_as text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH asked AS (
        SELECT * FROM accounts_accessrequest a WHERE a.id = request
    ), able AS (
        SELECT m.user_id, r.organisation_id, r.code, o.kind,
               EXISTS (SELECT 1 FROM accounts_organisationgrouppermission g
                         JOIN auth_permission p ON p.id = g.permission_id AND p.codename = 'manage_users'
                        WHERE g.group_id = r.group_id AND g.content_object_id = r.organisation_id) AS manages
          FROM asked a
          CROSS JOIN accounts_membership m
          JOIN accounts_user u ON u.id = m.user_id AND u.is_active
          JOIN accounts_role r ON r.id = m.role_id
          JOIN accounts_organisation o ON o.id = r.organisation_id AND o.is_active
         WHERE m.starts_on <= (now() AT TIME ZONE 'Asia/Kathmandu')::date
           AND (m.ends_on IS NULL OR m.ends_on >= (now() AT TIME ZONE 'Asia/Kathmandu')::date)
           AND (m.given_at IS NULL OR m.request_id IS NOT NULL OR m.given_at < now() - interval '14 days'
                OR m.given_by_id IS NULL -- by the installation itself, before there was any case
                   AND m.given_at <= (SELECT min(any_of.cases_since) FROM accounts_organisation any_of))
           AND m.user_id IS DISTINCT FROM a.asked_by_id
           AND m.user_id IS DISTINCT FROM a.user_id
           AND NOT (a.kind IN ('tailor', 'programmes')
                    AND EXISTS (SELECT 1 FROM accounts_membership own
                                 WHERE own.user_id = m.user_id AND own.role_id = a.role_id))
           AND NOT access.brought_in_by(m.user_id) && access.brought_in_by(a.asked_by_id)
    ), own AS (
        SELECT DISTINCT ON (b.user_id) b.user_id,
               CASE WHEN b.manages THEN 'focal_point' ELSE 'supervisor' END AS decides_as
          FROM able b JOIN asked a ON a.organisation_id = b.organisation_id
         WHERE b.manages OR b.code = 'supervisor'
         ORDER BY b.user_id, b.manages DESC
    )
    SELECT o.user_id, o.decides_as FROM own o
    UNION ALL
    SELECT DISTINCT b.user_id, 'protection' FROM able b
     WHERE b.kind = 'iom' AND b.code = 'protection_supervisor' AND NOT EXISTS (SELECT 1 FROM own);
$$;

-- Approve or refuse a request as the acting user. Returns the new state; NULL if this user may not decide or it is decided
-- already. A protection supervisor's approval and a new address take effect a day later, so that they can be stopped.
CREATE OR REPLACE FUNCTION access.decide_access(request uuid, approves boolean) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE asked accounts_accessrequest; decides text;
BEGIN
    SELECT * INTO asked FROM accounts_accessrequest a WHERE a.id = request FOR UPDATE;
    SELECT b.decides_as INTO decides FROM access.approvers(request) b WHERE b.user_id = access.user_id();
    IF asked.state IS DISTINCT FROM 'pending' OR decides IS NULL THEN
        RETURN NULL;
    END IF;
    UPDATE accounts_accessrequest a
       SET state = CASE WHEN approves THEN 'approved' ELSE 'refused' END,
           decided_by_id = access.user_id(), decided_at = now(), decided_as = decides,
           takes_effect_at = CASE WHEN NOT approves THEN NULL
                                  WHEN decides = 'protection' OR a.kind = 'email' THEN now() + interval '1 day'
                                  ELSE now() END
     WHERE a.id = request;
    RETURN CASE WHEN approves THEN 'approved' ELSE 'refused' END;
END $$;

-- Stop a request that has not taken effect; false if there was nothing to stop. Stopping gives nobody access, so the
-- function checks no rights.
CREATE OR REPLACE FUNCTION access.stop_access(request uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE accounts_accessrequest a SET state = 'stopped' WHERE a.id = request AND a.state IN ('pending', 'approved');
    RETURN FOUND;
END $$;

-- Mark an approved request as done once its time has come, acting for its approver or for nobody. The rows that it allows
-- must be written in the same transaction.
CREATE OR REPLACE FUNCTION access.use_access(request uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE accounts_accessrequest a SET state = 'done', done_at = now()
     WHERE a.id = request AND a.state = 'approved' AND a.takes_effect_at <= now()
       AND (access.user_id() IS NULL OR access.user_id() = a.decided_by_id);
    RETURN FOUND;
END $$;

-- Check a new request: it is undecided, it is asked by the acting user, and its organisation is that of its role. A request
-- about an account is decided in the organisation that guards its user; by IOM, without an organisation, if several do.
CREATE OR REPLACE FUNCTION access.request_starts() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE guarding uuid[] := access.guarded_by(NEW.user_id); here uuid;
BEGIN
    IF NEW.kind IN ('role', 'tailor', 'programmes') THEN
        SELECT r.organisation_id INTO here FROM accounts_role r WHERE r.id = NEW.role_id;
    ELSIF cardinality(guarding) = 1 THEN
        here := guarding[1];
    END IF;
    IF NEW.organisation_id IS DISTINCT FROM here THEN
        RAISE EXCEPTION 'a request is decided where its role or user is' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'accounts_request_starts';
    END IF;
    IF NEW.state <> 'pending' OR NEW.decided_by_id IS NOT NULL OR NEW.asked_by_id IS DISTINCT FROM access.user_id() THEN
        RAISE EXCEPTION 'a request is asked by who is entered, and decided by a second user'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'accounts_request_starts';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER request_starts BEFORE INSERT ON accounts_accessrequest
    FOR EACH ROW EXECUTE FUNCTION access.request_starts();

-- Check a membership in an organisation with cases: it needs a request that takes effect in this transaction, for this user
-- with this address, for this role with no more permissions than were approved, and for no more days. Shortening a
-- membership needs no approval.
CREATE OR REPLACE FUNCTION access.membership_is_approved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE here uuid; asked accounts_accessrequest; days daterange := daterange(NEW.starts_on, NEW.ends_on, '[]');
BEGIN
    IF session_user <> 'iom_app' THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.user_id, NEW.role_id) = (OLD.user_id, OLD.role_id)
           AND daterange(OLD.starts_on, OLD.ends_on, '[]') @> days THEN
            NEW.given_by_id := OLD.given_by_id;
            NEW.given_at := OLD.given_at;
            NEW.request_id := OLD.request_id;
            RETURN NEW;
        END IF;
    END IF;
    SELECT r.organisation_id INTO here FROM accounts_role r WHERE r.id = NEW.role_id FOR SHARE;
    PERFORM 1 FROM accounts_organisation o WHERE o.id = here FOR SHARE; -- so its first case waits, or is seen here
    SELECT a.* INTO asked
      FROM accounts_accessrequest a
      JOIN accounts_user u ON u.id = a.user_id AND u.email = a.email
     WHERE a.id = NEW.request_id AND a.kind = 'role' AND a.state = 'done' AND a.done_at = now()
       AND a.user_id = NEW.user_id AND a.role_id = NEW.role_id
       AND daterange(a.starts_on, a.ends_on, '[]') @> days
       AND a.permissions @> ARRAY(SELECT p.codename FROM accounts_role r
                                    JOIN accounts_organisationgrouppermission g
                                      ON g.group_id = r.group_id AND g.content_object_id = r.organisation_id
                                    JOIN auth_permission p ON p.id = g.permission_id
                                   WHERE r.id = NEW.role_id);
    IF asked.id IS NULL AND (NEW.request_id IS NOT NULL OR access.has_cases(here)) THEN
        RAISE EXCEPTION 'a role where there are cases needs a second user' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'accounts_membership_approved';
    END IF;
    NEW.given_by_id := coalesce(asked.asked_by_id, CASE WHEN asked.id IS NULL THEN access.user_id() END);
    NEW.given_at := now();
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER membership_is_approved BEFORE INSERT OR UPDATE ON accounts_membership
    FOR EACH ROW EXECUTE FUNCTION access.membership_is_approved();

-- Check a new permission of a role: if any user has the role, it needs a request. If nobody has it, its permissions are
-- approved together with its first user; the role is locked so that both don't happen at once.
CREATE OR REPLACE FUNCTION access.permission_is_approved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE given accounts_role; added text;
BEGIN
    SELECT * INTO given FROM accounts_role r WHERE r.group_id = NEW.group_id FOR NO KEY UPDATE;
    SELECT p.codename INTO added FROM auth_permission p WHERE p.id = NEW.permission_id;
    IF session_user = 'iom_app' AND given.id IS NULL THEN -- a group with permissions could become a role unapproved
        RAISE EXCEPTION 'a permission is a role''s' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'accounts_role_approved';
    END IF;
    IF session_user = 'iom_app' AND access.has_cases(given.organisation_id)
       AND EXISTS (SELECT 1 FROM accounts_membership m
                    WHERE m.role_id = given.id
                      AND (m.ends_on IS NULL OR m.ends_on >= (now() AT TIME ZONE 'Asia/Kathmandu')::date))
       AND NOT EXISTS (SELECT 1 FROM accounts_accessrequest a
                        WHERE a.kind = 'tailor' AND a.state = 'done' AND a.done_at = now()
                          AND a.role_id = given.id AND a.permissions @> ARRAY[added]::varchar[]) THEN
        RAISE EXCEPTION 'a role that may do more needs a second user' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'accounts_role_approved';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER permission_is_approved BEFORE INSERT OR UPDATE ON accounts_organisationgrouppermission
    FOR EACH ROW EXECUTE FUNCTION access.permission_is_approved();

-- Check a new address, and the reopening of a closed account, of a guarded user: both need a request. For any other user,
-- an address that somebody else changes ends password, second factors, sessions and tokens: whoever reads the mail of the
-- former address may have chosen them.
CREATE OR REPLACE FUNCTION access.account_is_approved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF session_user <> 'iom_app' THEN
        RETURN NEW;
    END IF;
    -- Dates of the last change are never cleared or moved back, not even by saving a row that was read before.
    NEW.email_changed_at := greatest(OLD.email_changed_at, NEW.email_changed_at);
    NEW.factor_reset_at := greatest(OLD.factor_reset_at, NEW.factor_reset_at);
    NEW.password_mailed_at := greatest(OLD.password_mailed_at, NEW.password_mailed_at);
    IF NOT access.is_guarded(NEW.id) THEN
        IF NEW.email <> OLD.email AND NEW.id IS DISTINCT FROM access.user_id() THEN
            IF NEW.password NOT LIKE '!%' THEN -- Django's mark of a password that nothing matches
                NEW.password := '!' || gen_random_uuid();
            END IF;
            DELETE FROM mfa_authenticator f WHERE f.user_id = NEW.id;
            DELETE FROM accounts_session s WHERE s.user_id = NEW.id;
            UPDATE accounts_apitoken t SET revoked_at = now() WHERE t.user_id = NEW.id AND t.revoked_at IS NULL;
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.email <> OLD.email
       AND NOT EXISTS (SELECT 1 FROM accounts_accessrequest a
                        WHERE a.user_id = NEW.id AND a.kind = 'email' AND a.email = NEW.email
                          AND a.state = 'done' AND a.done_at = now()) THEN
        RAISE EXCEPTION 'another address needs a second user' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'accounts_user_address_approved';
    END IF;
    IF NEW.is_active AND NOT OLD.is_active
       AND NOT EXISTS (SELECT 1 FROM accounts_accessrequest a
                        WHERE a.user_id = NEW.id AND a.kind IN ('reopen', 'role')
                          AND a.state = 'done' AND a.done_at = now()) THEN
        RAISE EXCEPTION 'a closed account needs a second user to open' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'accounts_user_opening_approved';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER account_is_approved BEFORE UPDATE ON accounts_user
    FOR EACH ROW EXECUTE FUNCTION access.account_is_approved();

-- Check that only the user adds a second factor, and that it stays that user's.
CREATE OR REPLACE FUNCTION access.factor_is_own() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF session_user = 'iom_app' AND NEW.user_id IS DISTINCT FROM access.user_id()
       AND (TG_OP = 'INSERT' OR NEW.user_id <> OLD.user_id) THEN
        RAISE EXCEPTION 'nobody adds a second factor for another' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'mfa_authenticator_own';
-- The application deletes no role that has begun: whoever had one within a year needs a second user.
CREATE OR REPLACE FUNCTION access.begun_membership_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF session_user = 'iom_app' AND OLD.starts_on < (now() AT TIME ZONE 'Asia/Kathmandu')::date THEN
        RAISE EXCEPTION 'a role that began is ended, and stays on record' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'accounts_membership_stays';
    END IF;
    RETURN OLD;
END $$;
CREATE OR REPLACE TRIGGER begun_membership_stays BEFORE DELETE ON accounts_membership
    FOR EACH ROW EXECUTE FUNCTION access.begun_membership_stays();

    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER factor_is_own BEFORE INSERT OR UPDATE ON mfa_authenticator
    FOR EACH ROW EXECUTE FUNCTION access.factor_is_own();

-- Check that a guarded user's second factor is removed by that user or on a request.
CREATE OR REPLACE FUNCTION access.factor_is_approved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF session_user = 'iom_app' AND OLD.user_id IS DISTINCT FROM access.user_id() AND access.is_guarded(OLD.user_id)
       AND NOT EXISTS (SELECT 1 FROM accounts_accessrequest a
                        WHERE a.user_id = OLD.user_id AND a.kind = 'factor'
                          AND a.state = 'done' AND a.done_at = now()) THEN
        RAISE EXCEPTION 'the removal of a second factor needs a second user' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'mfa_authenticator_approved';
    END IF;
    RETURN OLD;
END $$;
CREATE OR REPLACE TRIGGER factor_is_approved BEFORE DELETE ON mfa_authenticator
    FOR EACH ROW EXECUTE FUNCTION access.factor_is_approved();

-- The id of a user, a role and an organisation never changes: rows that refer to it would become another's. The application
-- has no right to delete them.
CREATE OR REPLACE FUNCTION access.user_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a user stays the one that they are' USING ERRCODE = 'check_violation',
        CONSTRAINT = 'accounts_user_stays';
END $$;
CREATE OR REPLACE TRIGGER user_stays BEFORE UPDATE ON accounts_user
    FOR EACH ROW WHEN (NEW.id <> OLD.id) EXECUTE FUNCTION access.user_stays();

-- A role keeps its organisation, code and group; an organisation keeps `cases_since`, and whether it is an office of IOM.
CREATE OR REPLACE FUNCTION access.role_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.organisation_id, NEW.code, NEW.group_id)
       IS DISTINCT FROM (OLD.id, OLD.organisation_id, OLD.code, OLD.group_id) THEN
        RAISE EXCEPTION 'a role stays the one that it is' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'accounts_role_stays';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER role_stays BEFORE UPDATE ON accounts_role
    FOR EACH ROW EXECUTE FUNCTION access.role_stays();

CREATE OR REPLACE FUNCTION access.organisation_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.cases_since := coalesce(OLD.cases_since, NEW.cases_since); -- the saved row may have been read before the first case
    IF NEW.id <> OLD.id THEN
        RAISE EXCEPTION 'an organisation stays the one that it is' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'accounts_organisation_stays';
    END IF;
    IF (NEW.kind = 'iom') <> (OLD.kind = 'iom') THEN
        RAISE EXCEPTION 'no organisation becomes an IOM office' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'accounts_organisation_stays';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER organisation_stays BEFORE INSERT OR UPDATE ON accounts_organisation
    FOR EACH ROW EXECUTE FUNCTION access.organisation_stays();

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['has_cases(uuid)', 'guarded_by(uuid)', 'is_guarded(uuid)', 'brought_in_by(uuid)', 'approvers(uuid)',
            'decide_access(uuid, boolean)', 'stop_access(uuid)', 'use_access(uuid)', 'request_starts()',
            'membership_is_approved()', 'permission_is_approved()', 'account_is_approved()', 'factor_is_approved()']
    LOOP
        EXECUTE format('ALTER FUNCTION access.%s OWNER TO iom_functions', name);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION access.has_cases(uuid), access.is_guarded(uuid), access.approvers(uuid),
    access.decide_access(uuid, boolean), access.stop_access(uuid), access.use_access(uuid) TO iom_app;
DECLARE is_own boolean := NEW.user_id IS NOT DISTINCT FROM access.user_id();
    IF current_user = 'iom_app' THEN -- only case_is_noted() writes it, which runs as iom_functions
        NEW.cases_since := NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        RETURN NEW;
    END IF;
