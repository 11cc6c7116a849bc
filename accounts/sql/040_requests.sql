-- Access where there are cases needs a second user. The rows below are asked for their approval whoever writes them through
-- the application; the owner migrates and loads, and is not asked.
GRANT SELECT, UPDATE ON accounts_accessrequest TO iom_functions;
GRANT UPDATE ON accounts_organisation, accounts_role TO iom_functions; -- for cases_since, and row locks
GRANT SELECT ON mfa_authenticator TO iom_functions;

-- Whether an organisation has, or ever had, a case. What an office of IOM opens is every organisation's.
CREATE OR REPLACE FUNCTION access.has_cases(which uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT EXISTS (
        SELECT 1 FROM accounts_organisation o
         WHERE o.id = which
           AND (o.cases_since IS NOT NULL
                OR o.kind = 'iom' AND EXISTS (SELECT 1 FROM accounts_organisation any_of
                                               WHERE any_of.cases_since IS NOT NULL)));
$$;

-- Where there are cases and a user has a role, had one within a year (approval.GUARDED), or has one to come.
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

-- A user, whoever asked for their access within a year or gave it without a second user, whoever did so for them, and so
-- on: they count as one. Whom administrators set up before there were cases count by themselves: they set up everybody.
CREATE OR REPLACE FUNCTION access.brought_in_by(who uuid) RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH RECURSIVE line (id) AS (
        SELECT who
        UNION
        SELECT given.by
          FROM line CROSS JOIN LATERAL (
               SELECT a.asked_by_id
                 FROM accounts_accessrequest a
                WHERE a.user_id = line.id AND a.state = 'done' AND a.done_at > now() - interval '1 year'
                UNION ALL
               SELECT m.given_by_id
                 FROM accounts_membership m
                WHERE m.user_id = line.id AND m.request_id IS NULL AND m.given_at > now() - interval '1 year'
                  AND NOT EXISTS (SELECT 1 FROM accounts_membership g JOIN accounts_role r ON r.id = g.role_id
                                   WHERE g.user_id = m.given_by_id AND r.code = 'administrator')
          ) given (by)
    )
    SELECT coalesce(array_agg(id) FILTER (WHERE id IS NOT NULL), '{}') FROM line;
$$;

-- Who may decide on a request, and as what: a focal point or supervisor of the organisation; where it has none left, a
-- protection supervisor of IOM. Neither who asked, nor whose access it is, nor who has the role that would do more, nor
-- anybody who came in through the same users. A role that was given without a second user counts after 14 days.
CREATE OR REPLACE FUNCTION access.approvers(request uuid) RETURNS TABLE (user_id uuid, decides_as text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH asked AS (
        SELECT * FROM accounts_accessrequest a WHERE a.id = request
    ), able AS (
        SELECT m.user_id, r.organisation_id, r.code, o.kind,
               EXISTS (SELECT 1 FROM accounts_organisationgrouppermission g
                         JOIN auth_permission p ON p.id = g.permission_id AND p.codename = 'manage_users'
                        WHERE g.group_id = r.group_id AND g.content_object_id = r.organisation_id) AS keeps
          FROM asked a
          CROSS JOIN accounts_membership m
          JOIN accounts_user u ON u.id = m.user_id AND u.is_active
          JOIN accounts_role r ON r.id = m.role_id
          JOIN accounts_organisation o ON o.id = r.organisation_id AND o.is_active
         WHERE m.starts_on <= (now() AT TIME ZONE 'Asia/Kathmandu')::date
           AND (m.ends_on IS NULL OR m.ends_on >= (now() AT TIME ZONE 'Asia/Kathmandu')::date)
           AND (m.given_at IS NULL OR m.request_id IS NOT NULL OR m.given_at < now() - interval '14 days'
                OR m.given_by_id IS NULL -- by the installation itself, before anybody had a case
                   AND m.given_at <= (SELECT min(any_of.cases_since) FROM accounts_organisation any_of))
           AND m.user_id IS DISTINCT FROM a.asked_by_id
           AND m.user_id IS DISTINCT FROM a.user_id
           AND NOT (a.kind IN ('tailor', 'programmes')
                    AND EXISTS (SELECT 1 FROM accounts_membership own
                                 WHERE own.user_id = m.user_id AND own.role_id = a.role_id))
           AND NOT access.brought_in_by(m.user_id) && access.brought_in_by(a.asked_by_id)
    ), own AS (
        SELECT DISTINCT ON (b.user_id) b.user_id,
               CASE WHEN b.keeps THEN 'focal_point' ELSE 'supervisor' END AS decides_as
          FROM able b JOIN asked a ON a.organisation_id = b.organisation_id
         WHERE b.keeps OR b.code = 'supervisor'
         ORDER BY b.user_id, b.keeps DESC
    )
    SELECT o.user_id, o.decides_as FROM own o
    UNION ALL
    SELECT DISTINCT b.user_id, 'protection' FROM able b
     WHERE b.kind = 'iom' AND b.code = 'protection_supervisor' AND NOT EXISTS (SELECT 1 FROM own);
$$;

-- Approve or refuse as whoever is entered; its new state, or null where they may not, or it was decided. A
-- protection supervisor's approval and a new address take effect a day later, so that somebody can still stop them.
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

-- Stop what has not taken effect; whether it was still to be stopped. It opens nothing to anybody.
CREATE OR REPLACE FUNCTION access.stop_access(request uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE accounts_accessrequest a SET state = 'stopped' WHERE a.id = request AND a.state IN ('pending', 'approved');
    RETURN FOUND;
END $$;

-- Use up an approved request whose time has come, as who approved it or of nobody; the rows that it allows are written in this very transaction.
CREATE OR REPLACE FUNCTION access.use_access(request uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE accounts_accessrequest a SET state = 'done', done_at = now()
     WHERE a.id = request AND a.state = 'approved' AND a.takes_effect_at <= now()
       AND (access.user_id() IS NULL OR access.user_id() = a.decided_by_id);
    RETURN FOUND;
END $$;

-- A request begins undecided, is asked by whoever is entered, and is decided where its role is; or, of an account, where
-- its user reads files, and by IOM where these are several.
CREATE OR REPLACE FUNCTION access.request_starts() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE places uuid[] := access.guarded_by(NEW.user_id); here uuid;
BEGIN
    IF NEW.kind IN ('role', 'tailor', 'programmes') THEN
        SELECT r.organisation_id INTO here FROM accounts_role r WHERE r.id = NEW.role_id;
    ELSIF cardinality(places) = 1 THEN
        here := places[1];
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

-- A role where there are cases: on a request that takes effect in this transaction, for this user with this address, this
-- role with no more permissions than were shown, and no day more. Less than before is anybody's.
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
    PERFORM 1 FROM accounts_organisation o WHERE o.id = here FOR SHARE; -- its first case waits, or is seen here
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

-- A role that somebody has may do more only on a request. Where nobody has it, whoever gets it is approved with what it
-- may do by then; the role is locked against that.
CREATE OR REPLACE FUNCTION access.permission_is_approved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE held accounts_role; named text;
BEGIN
    SELECT * INTO held FROM accounts_role r WHERE r.group_id = NEW.group_id FOR NO KEY UPDATE;
    SELECT p.codename INTO named FROM auth_permission p WHERE p.id = NEW.permission_id;
    IF session_user = 'iom_app' AND held.id IS NULL THEN -- or a role would be made of it that nobody asked for
        RAISE EXCEPTION 'a permission is a role''s' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'accounts_role_approved';
    END IF;
    IF session_user = 'iom_app' AND access.has_cases(held.organisation_id)
       AND EXISTS (SELECT 1 FROM accounts_membership m
                    WHERE m.role_id = held.id
                      AND (m.ends_on IS NULL OR m.ends_on >= (now() AT TIME ZONE 'Asia/Kathmandu')::date))
       AND NOT EXISTS (SELECT 1 FROM accounts_accessrequest a
                        WHERE a.kind = 'tailor' AND a.state = 'done' AND a.done_at = now()
                          AND a.role_id = held.id AND a.permissions @> ARRAY[named]::varchar[]) THEN
        RAISE EXCEPTION 'a role that may do more needs a second user' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'accounts_role_approved';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER permission_is_approved BEFORE INSERT OR UPDATE ON accounts_organisationgrouppermission
    FOR EACH ROW EXECUTE FUNCTION access.permission_is_approved();

-- Another address, and a closed account that opens, of a user with a role where there are cases.
CREATE OR REPLACE FUNCTION access.account_is_approved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF session_user <> 'iom_app' OR NOT access.is_guarded(NEW.id) THEN
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

-- A second factor is added by its own user, and stays theirs.
CREATE OR REPLACE FUNCTION access.factor_is_own() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF session_user = 'iom_app' AND NEW.user_id IS DISTINCT FROM access.user_id()
       AND (TG_OP = 'INSERT' OR NEW.user_id <> OLD.user_id) THEN
        RAISE EXCEPTION 'nobody adds a second factor for another' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'mfa_authenticator_own';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER factor_is_own BEFORE INSERT OR UPDATE ON mfa_authenticator
    FOR EACH ROW EXECUTE FUNCTION access.factor_is_own();

-- A second factor is removed by its own user, or on a request.
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

-- A user, a role and an organisation keep their key: what refers to it would be another's. The application deletes none.
CREATE OR REPLACE FUNCTION access.user_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a user stays the one that they are' USING ERRCODE = 'check_violation',
        CONSTRAINT = 'accounts_user_stays';
END $$;
CREATE OR REPLACE TRIGGER user_stays BEFORE UPDATE ON accounts_user
    FOR EACH ROW WHEN (NEW.id <> OLD.id) EXECUTE FUNCTION access.user_stays();

-- A role stays the one that it is, and an organisation keeps that it had cases, and whether it is an office of IOM.
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
    NEW.cases_since := coalesce(OLD.cases_since, NEW.cases_since); -- a row that was read before its first case
    IF NEW.id <> OLD.id THEN
        RAISE EXCEPTION 'an organisation stays the one that it is' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'accounts_organisation_stays';
    END IF;
    IF (NEW.kind = 'iom') <> (OLD.kind = 'iom') THEN
        RAISE EXCEPTION 'no organisation becomes an office of IOM' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'accounts_organisation_stays';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER organisation_stays BEFORE UPDATE ON accounts_organisation
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
