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
CREATE OR REPLACE FUNCTION access.guarded_by(of_user uuid) RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT coalesce(array_agg(DISTINCT r.organisation_id), '{}')
      FROM accounts_membership m JOIN accounts_role r ON r.id = m.role_id
     WHERE m.user_id = of_user AND access.has_cases(r.organisation_id)
       AND (m.ends_on IS NULL OR m.ends_on >= (now() AT TIME ZONE 'Asia/Kathmandu')::date - 365);
$$;

CREATE OR REPLACE FUNCTION access.is_guarded(of_user uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT access.guarded_by(of_user) <> '{}';
$$;

-- Return the organisation whose second user decides on a request: that of the role, or for an account the one where its
-- user has roles. Null if these are several: then IOM decides.
CREATE OR REPLACE FUNCTION access.decides_on(kind text, role uuid, of_user uuid) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT CASE WHEN kind IN ('role', 'tailor', 'programmes')
                THEN (SELECT r.organisation_id FROM accounts_role r WHERE r.id = role)
                WHEN cardinality(access.guarded_by(of_user)) = 1 THEN (access.guarded_by(of_user))[1] END;
$$;

-- Return the mailbox of an address: small letters, without what follows a plus, Gmail's without dots and with one domain
-- (rules.mailbox).
CREATE OR REPLACE FUNCTION access.mailbox(email text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog AS $$
    SELECT CASE WHEN domain IN ('gmail.com', 'googlemail.com') THEN replace(name, '.', '') || '@gmail.com'
                ELSE name || '@' || domain END
      FROM (SELECT split_part(split_part(lower(email), '@', 1), '+', 1) AS name,
                   split_part(lower(email), '@', 2) AS domain) AS parts;
$$;
GRANT EXECUTE ON FUNCTION access.mailbox(text) TO iom_app; -- inserting a user evaluates the index
CREATE INDEX IF NOT EXISTS accounts_user_mailbox ON accounts_user (access.mailbox(email));

-- Return a user, the users with the same mailbox, the users who asked for this user's access within a year or gave it
-- without a second user, those who did so for them, and so on. They count as one user in an approval. Access that
-- administrators gave before there were cases doesn't count, as administrators give it to everybody at first.
CREATE OR REPLACE FUNCTION access.brought_in_by(of_user uuid) RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH RECURSIVE origin (id) AS (
        SELECT of_user
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
                UNION ALL
               SELECT same.id
                 FROM accounts_user u JOIN accounts_user same ON access.mailbox(same.email) = access.mailbox(u.email)
                WHERE u.id = origin.id AND u.email <> ''
          ) given (by)
    )
    SELECT coalesce(array_agg(id) FILTER (WHERE id IS NOT NULL), '{}') FROM origin;
$$;

-- Return who may decide on a request, and in which capacity: a focal point or supervisor of the organisation, or a
-- protection supervisor of IOM if the organisation has none left. Excluded are the user who asked, the user whose access
-- it is, holders of the role that would get more permissions, users brought in by the same users, and users with the
-- mailbox of one of them or of the new address. A role that was given without a second user counts only after 14 days.
-- Nobody decides if the request is no longer the organisation's, because its user has a role elsewhere by now.
CREATE OR REPLACE FUNCTION access.approvers(request uuid) RETURNS TABLE (user_id uuid, decides_as text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH asked AS (
        SELECT * FROM accounts_accessrequest a
         WHERE a.id = request AND a.organisation_id IS NOT DISTINCT FROM access.decides_on(a.kind, a.role_id, a.user_id)
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
           AND (a.email = '' OR access.mailbox(u.email) <> access.mailbox(a.email))
           AND NOT EXISTS (SELECT 1 FROM accounts_user own
                            WHERE own.id = a.user_id AND access.mailbox(own.email) = access.mailbox(u.email))
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
-- already. A new address, a protection supervisor's approval, and any approval after another approver lost their access,
-- take effect a day later, so that they can be stopped.
CREATE OR REPLACE FUNCTION access.decide_access(request uuid, approves boolean) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE asked accounts_accessrequest; decides text;
BEGIN
    PERFORM access.lock_user(a.user_id) FROM accounts_accessrequest a WHERE a.id = request;
    SELECT * INTO asked FROM accounts_accessrequest a WHERE a.id = request FOR UPDATE;
    SELECT b.decides_as INTO decides FROM access.approvers(request) b WHERE b.user_id = access.user_id();
    IF asked.state IS DISTINCT FROM 'pending' OR decides IS NULL THEN
        RETURN NULL;
    END IF;
    UPDATE accounts_accessrequest a
       SET state = CASE WHEN approves THEN 'approved' ELSE 'refused' END,
           decided_by_id = access.user_id(), decided_at = now(), decided_as = decides,
           takes_effect_at = CASE WHEN NOT approves THEN NULL
                                  WHEN decides = 'protection' OR a.kind = 'email'
                                       OR access.lost_an_approver(a.organisation_id) THEN now() + interval '1 day'
                                  ELSE now() END
     WHERE a.id = request;
    RETURN CASE WHEN approves THEN 'approved' ELSE 'refused' END;
END $$;

-- Stop a request that has not taken effect, and return whether it was stopped. The entered user asked for it, is the user
-- whose access it is, or approves access in one of its organisations; anybody, if nobody may decide on it any more. Without
-- a user: a request about an account (by the link that is mailed), or one that was due and could not take effect.
CREATE OR REPLACE FUNCTION access.stop_access(request uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE asked accounts_accessrequest; today date := (now() AT TIME ZONE 'Asia/Kathmandu')::date; may boolean;
BEGIN
    PERFORM access.lock_user(a.user_id) FROM accounts_accessrequest a WHERE a.id = request;
    SELECT * INTO asked FROM accounts_accessrequest a WHERE a.id = request FOR UPDATE;
    may := CASE WHEN NOT access.has_user() THEN asked.kind IN ('email', 'factor', 'reopen') OR asked.takes_effect_at <= now()
                ELSE access.user_id() IN (asked.asked_by_id, asked.user_id)
                     OR asked.organisation_id IS DISTINCT FROM access.decides_on(asked.kind, asked.role_id, asked.user_id)
                     OR EXISTS (SELECT 1 FROM accounts_membership m
                                  JOIN accounts_role r ON r.id = m.role_id
                                  JOIN accounts_organisation o ON o.id = r.organisation_id AND o.is_active
                                 WHERE m.user_id = access.user_id() AND access.role_approves(m.role_id)
                                   AND m.starts_on <= today AND (m.ends_on IS NULL OR m.ends_on >= today)
                                   AND (r.organisation_id = asked.organisation_id
                                        OR asked.organisation_id IS NULL
                                           AND EXISTS (SELECT 1 FROM accounts_membership own
                                                         JOIN accounts_role there ON there.id = own.role_id
                                                        WHERE own.user_id = asked.user_id
                                                          AND there.organisation_id = r.organisation_id
                                                          AND (own.ends_on IS NULL OR own.ends_on >= today - 365)))) END;
    IF may IS NOT TRUE OR asked.state NOT IN ('pending', 'approved') THEN
        RETURN false;
    END IF;
    UPDATE accounts_accessrequest a SET state = 'stopped' WHERE a.id = request;
    RETURN true;
END $$;

-- Mark an approved request as done once its time has come, acting for its approver or for nobody. The rows that it allows
-- must be written in the same transaction.
CREATE OR REPLACE FUNCTION access.use_access(request uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE used accounts_accessrequest;
BEGIN
    PERFORM access.lock_user(a.user_id) FROM accounts_accessrequest a WHERE a.id = request;
    UPDATE accounts_accessrequest a SET state = 'done', done_at = now()
     WHERE a.id = request AND a.state = 'approved' AND a.takes_effect_at <= now()
       AND (access.user_id() IS NULL OR access.user_id() = a.decided_by_id)
    RETURNING a.* INTO used;
    IF used.organisation_id IS DISTINCT FROM access.decides_on(used.kind, used.role_id, used.user_id) THEN
        RAISE EXCEPTION 'its user works elsewhere by now: the request is another organisation''s'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'accounts_request_decided_there';
    END IF;
    RETURN used.id IS NOT NULL;
END $$;

-- Check a new request: it is undecided, it is asked by the acting user, and its organisation is that of its role. A request
-- about an account is decided in the organisation that guards its user; by IOM, without an organisation, if several do.
CREATE OR REPLACE FUNCTION access.request_starts() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM access.lock_user(NEW.user_id);
    IF NEW.organisation_id IS DISTINCT FROM access.decides_on(NEW.kind, NEW.role_id, NEW.user_id) THEN
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

-- Return whether a role approves access: if it manages users, or is of supervisors or protection supervisors.
CREATE OR REPLACE FUNCTION access.role_approves(which uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT EXISTS (SELECT 1 FROM accounts_role r
                    WHERE r.id = which
                      AND (r.code IN ('supervisor', 'protection_supervisor')
                           OR EXISTS (SELECT 1 FROM accounts_organisationgrouppermission g
                                        JOIN auth_permission p ON p.id = g.permission_id AND p.codename = 'manage_users'
                                       WHERE g.group_id = r.group_id AND g.content_object_id = r.organisation_id)));
$$;

-- Return whether somebody who approved access in this organisation lost that, or their account, within 30 days.
CREATE OR REPLACE FUNCTION access.lost_an_approver(of_organisation uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT EXISTS (
        SELECT 1 FROM accounts_membership m
          JOIN accounts_role r ON r.id = m.role_id AND r.organisation_id = of_organisation
          JOIN accounts_user u ON u.id = m.user_id
         WHERE access.role_approves(m.role_id) AND m.starts_on <= today.day AND coalesce(m.ends_on, today.day) >= today.day - 30
           AND (NOT u.is_active AND u.closed_at > now() - interval '30 days'
                OR m.ends_on < today.day
                   AND NOT EXISTS (SELECT 1 FROM accounts_membership other JOIN accounts_role own ON own.id = other.role_id
                                    WHERE other.user_id = m.user_id AND own.organisation_id = of_organisation
                                      AND access.role_approves(other.role_id) AND other.starts_on <= today.day
                                      AND (other.ends_on IS NULL OR other.ends_on >= today.day))))
      FROM (SELECT (now() AT TIME ZONE 'Asia/Kathmandu')::date AS day) today;
$$;

-- Return whether the role approves access, and another user with the same mailbox approves access in its organisation.
CREATE OR REPLACE FUNCTION access.shares_mailbox(of_user uuid, role uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT access.role_approves(role) AND EXISTS (
        SELECT 1
          FROM accounts_user mine
          JOIN accounts_user other ON other.id <> mine.id AND access.mailbox(other.email) = access.mailbox(mine.email)
          JOIN accounts_membership m ON m.user_id = other.id
          JOIN accounts_role theirs ON theirs.id = m.role_id
         WHERE mine.id = of_user AND mine.email <> ''
           AND theirs.organisation_id = (SELECT r.organisation_id FROM accounts_role r WHERE r.id = role)
           AND (m.ends_on IS NULL OR m.ends_on >= (now() AT TIME ZONE 'Asia/Kathmandu')::date)
           AND access.role_approves(m.role_id));
$$;

-- Check a membership in an organisation with cases: it needs a request that takes effect in this transaction, for this user
-- with this address, for this role with no more permissions and programmes than were approved, and for no more days.
-- Shortening a membership needs no approval. Two users with the same mailbox never both approve access in one
-- organisation: they could be one person.
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
    PERFORM access.lock_user(NEW.user_id);
    PERFORM pg_advisory_xact_lock(hashtextextended('mailbox ' || access.mailbox(u.email), 0)) -- two users may share it
       FROM accounts_user u WHERE u.id = NEW.user_id;
    SELECT r.organisation_id INTO here FROM accounts_role r WHERE r.id = NEW.role_id FOR SHARE;
    PERFORM 1 FROM accounts_organisation o WHERE o.id = here FOR SHARE; -- so its first case waits, or is seen here
    IF access.shares_mailbox(NEW.user_id, NEW.role_id) THEN
        RAISE EXCEPTION 'somebody with this mailbox approves access here' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'accounts_membership_mailbox_apart';
    END IF;
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
                                   WHERE r.id = NEW.role_id)
       AND a.programmes @> access.programmes_of_role(NEW.role_id);
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

-- Check a new permission of a role: if any user has the role, it needs a request. If nobody has it, its permissions are
-- approved together with its first user; the role is locked so that both don't happen at once.
CREATE OR REPLACE FUNCTION access.permission_is_approved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE given accounts_role; added text;
BEGIN
    SELECT * INTO given FROM accounts_role r WHERE r.group_id = NEW.group_id FOR NO KEY UPDATE;
    PERFORM 1 FROM accounts_organisation o WHERE o.id = given.organisation_id FOR SHARE; -- as in membership_is_approved
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
    NEW.closed_at := CASE WHEN OLD.is_active AND NOT NEW.is_active THEN now() ELSE OLD.closed_at END;
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

-- Keep the address of a user for whom a role is requested where there are cases: the second user approves the role for
-- this address, and whoever had another one in between could have chosen the credentials.
CREATE OR REPLACE FUNCTION access.address_waits() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF session_user = 'iom_app' AND NOT access.is_guarded(NEW.id)
       AND EXISTS (SELECT 1 FROM accounts_accessrequest a
                    WHERE a.user_id = NEW.id AND a.kind = 'role' AND a.state IN ('pending', 'approved')
                      AND access.has_cases(a.organisation_id)) THEN
        RAISE EXCEPTION 'a role is requested for this user at the present address' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'accounts_user_address_waits';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER address_waits BEFORE UPDATE ON accounts_user
    FOR EACH ROW WHEN (NEW.email <> OLD.email) EXECUTE FUNCTION access.address_waits();

-- Check that only the user adds a second factor or changes its content. `last_used_at` may change at sign-in, when there is
-- no user yet.
CREATE OR REPLACE FUNCTION access.factor_is_own() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE is_own boolean := NEW.user_id IS NOT DISTINCT FROM access.user_id();
BEGIN
    IF TG_OP = 'UPDATE' THEN
        is_own := is_own AND NEW.user_id = OLD.user_id OR (NEW.user_id, NEW.type, NEW.data) = (OLD.user_id, OLD.type, OLD.data);
    END IF;
    IF session_user = 'iom_app' AND NOT is_own THEN
        RAISE EXCEPTION 'nobody adds a second factor for another, or changes it' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'mfa_authenticator_own';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER factor_is_own BEFORE INSERT OR UPDATE ON mfa_authenticator
    FOR EACH ROW EXECUTE FUNCTION access.factor_is_own();

-- Check that a guarded user's second factor is removed by that user or on a request.
CREATE OR REPLACE FUNCTION access.factor_is_approved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM access.lock_user(OLD.user_id);
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
    IF current_user = 'iom_app' THEN -- only case_is_noted() writes it, which runs as iom_functions
        NEW.cases_since := NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        RETURN NEW;
    END IF;
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
    FOREACH name IN ARRAY ARRAY['has_cases(uuid)', 'guarded_by(uuid)', 'is_guarded(uuid)', 'decides_on(text, uuid, uuid)',
            'role_approves(uuid)', 'lost_an_approver(uuid)', 'shares_mailbox(uuid, uuid)', 'brought_in_by(uuid)', 'approvers(uuid)',
            'decide_access(uuid, boolean)', 'stop_access(uuid)', 'use_access(uuid)', 'request_starts()',
            'membership_is_approved()', 'permission_is_approved()', 'account_is_approved()', 'address_waits()',
            'factor_is_approved()']
    LOOP
        EXECUTE format('ALTER FUNCTION access.%s OWNER TO iom_functions', name);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION access.has_cases(uuid), access.is_guarded(uuid), access.shares_mailbox(uuid, uuid),
    access.approvers(uuid), access.decide_access(uuid, boolean), access.stop_access(uuid), access.use_access(uuid) TO iom_app;
