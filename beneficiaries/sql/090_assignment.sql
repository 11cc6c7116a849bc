-- Caseworkers of cases, and the work of users who leave.

-- A new caseworker must be allowed to write cases in the lead organisation on that day. (Those who lose the permission
-- later are found daily: cases_without_caseworker.)
CREATE OR REPLACE FUNCTION access.caseworker_is_there() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF access.has_permission(NEW.caseworker_id, (SELECT lead_organisation_id FROM beneficiaries_case WHERE id = NEW.case_id),
                  'write_cases', (now() AT TIME ZONE 'Asia/Kathmandu')::date) IS NOT TRUE THEN
        RAISE EXCEPTION 'the caseworker does not write cases in the organisation that leads it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'beneficiaries_file_caseworker_is_there';
    END IF;
    RETURN NEW;
END $$;
ALTER FUNCTION access.caseworker_is_there() OWNER TO iom_functions;
CREATE OR REPLACE TRIGGER caseworker_is_there BEFORE UPDATE OF caseworker_id ON beneficiaries_casefile
    FOR EACH ROW WHEN (NEW.caseworker_id <> OLD.caseworker_id) EXECUTE FUNCTION access.caseworker_is_there();

-- Only users of the lead change the caseworker. Runs as the current user; reviewed functions have checked already.
CREATE OR REPLACE FUNCTION access.lead_names_caseworker() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_user <> 'iom_functions' AND NOT EXISTS (
        SELECT 1 FROM beneficiaries_case c
         WHERE c.id = NEW.case_id AND c.lead_organisation_id = ANY(access.organisations_with('write_cases'))) THEN
        RAISE EXCEPTION 'the organisation that leads a case names its caseworker' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_file_lead_names_caseworker';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER lead_names_caseworker BEFORE UPDATE OF caseworker_id ON beneficiaries_casefile
    FOR EACH ROW WHEN (NEW.caseworker_id <> OLD.caseworker_id) EXECUTE FUNCTION access.lead_names_caseworker();

-- Count a user's open cases, and their running referrals and offers, in an organisation; NULLs unless the current user
-- manages its users.
CREATE OR REPLACE FUNCTION access.open_cases_of(of_user uuid, in_organisation uuid, OUT cases bigint, OUT referrals bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT (SELECT count(*)
              FROM beneficiaries_casefile f JOIN beneficiaries_case c ON c.id = f.case_id
             WHERE f.caseworker_id = of_user AND c.lead_organisation_id = in_organisation AND c.status <> 'closed'),
           (SELECT count(*)
              FROM beneficiaries_referral r JOIN beneficiaries_case c ON c.id = r.case_id
             WHERE r.sent_by_id = of_user AND c.lead_organisation_id = in_organisation
               AND r.state IN ('sent', 'accepted'))
           + (SELECT count(*) FROM beneficiaries_casetransfer t
               WHERE t.offered_by_id = of_user AND t.sender_id = in_organisation AND t.state = 'offered')
     WHERE access.manages_users_of(in_organisation);
$$;

-- Give all open cases of a user who may no longer write cases in an organisation to another caseworker, for a user who
-- manages its users and can't read its cases. Returns the ids of the cases, for the audit log.
GRANT INSERT ON beneficiaries_assignment TO iom_functions;
CREATE OR REPLACE FUNCTION access.hand_over_cases(of_user uuid, in_organisation uuid, receiver uuid) RETURNS SETOF uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE found uuid[];
BEGIN
    IF access.manages_users_of(in_organisation) IS NOT TRUE THEN
        RAISE EXCEPTION 'not an organisation whose users you keep' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF access.has_permission(of_user, in_organisation, 'write_cases', (now() AT TIME ZONE 'Asia/Kathmandu')::date) THEN
        RAISE EXCEPTION 'this user still writes cases there' USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- Order of locks: the case, then its file. Cases that were reassigned meanwhile stay unchanged.
    PERFORM 1 FROM beneficiaries_case c JOIN beneficiaries_casefile f ON f.case_id = c.id
      WHERE f.caseworker_id = of_user AND c.lead_organisation_id = in_organisation AND c.status <> 'closed'
      ORDER BY c.id FOR UPDATE OF c;
    WITH moved AS (
        UPDATE beneficiaries_casefile f SET caseworker_id = receiver, version = f.version + 1
          FROM beneficiaries_case c
         WHERE c.id = f.case_id AND f.caseworker_id = of_user AND c.lead_organisation_id = in_organisation
           AND c.status <> 'closed'
        RETURNING f.case_id
    ), added AS (
        INSERT INTO beneficiaries_assignment (id, case_id, former_id, caseworker_id, note, by_id, at)
        SELECT gen_random_uuid(), m.case_id, of_user, receiver, ''::bytea, access.user_id(), now() FROM moved m
    )
    SELECT array_agg(m.case_id ORDER BY m.case_id) INTO found FROM moved m;
    RETURN QUERY SELECT unnest(found);
END $$;

-- Count, by organisation, open cases whose caseworker and unfinished interviews whose author may no longer write cases
-- there. For the daily background task: returns rows only where there is no current user.
CREATE OR REPLACE FUNCTION access.cases_without_caseworker() RETURNS TABLE (organisation uuid, cases bigint, drafts bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH work AS (
        SELECT c.lead_organisation_id AS place, f.caseworker_id AS user_id, count(*) AS cases, 0 AS drafts
          FROM beneficiaries_case c JOIN beneficiaries_casefile f ON f.case_id = c.id
         WHERE c.status <> 'closed' GROUP BY 1, 2
        UNION ALL
        SELECT d.organisation_id, d.author_id, 0, count(*)
          FROM beneficiaries_intakedraft d WHERE d.opened_reference = '' GROUP BY 1, 2
    )
    SELECT c.place, sum(c.cases)::bigint, sum(c.drafts)::bigint FROM work c
     WHERE NOT access.has_user()
       AND NOT access.has_permission(c.user_id, c.place, 'write_cases', (now() AT TIME ZONE 'Asia/Kathmandu')::date)
     GROUP BY 1 ORDER BY 1;
$$;

-- Count the open work of an organisation: cases that it leads, by status, unfinished interviews, and referrals and
-- offers that wait for its answer. For users who manage its users.
CREATE OR REPLACE FUNCTION access.open_work_of(in_organisation uuid)
    RETURNS TABLE (active bigint, in_follow_up bigint, drafts bigint, referrals bigint, offers bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT (SELECT count(*) FROM beneficiaries_case c
             WHERE c.lead_organisation_id = in_organisation AND c.status = 'active'),
           (SELECT count(*) FROM beneficiaries_case c
             WHERE c.lead_organisation_id = in_organisation AND c.status = 'follow_up'),
           (SELECT count(*) FROM beneficiaries_intakedraft d
             WHERE d.organisation_id = in_organisation AND d.opened_reference = ''),
           (SELECT count(*) FROM beneficiaries_referral r
             WHERE r.receiver_id = in_organisation AND r.state IN ('sent', 'accepted')),
           (SELECT count(*) FROM beneficiaries_casetransfer t
             WHERE t.receiver_id = in_organisation AND t.state = 'offered')
     WHERE access.manages_users_of(in_organisation);
$$;

-- An organisation with open cases can't be deactivated, and a deactivated one can't get any. Opening a case takes a
-- share lock on the organisation's row, so that the two wait for each other.
GRANT UPDATE ON accounts_organisation TO iom_functions; -- for the row lock
CREATE OR REPLACE FUNCTION access.organisation_without_open_cases() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM beneficiaries_case c WHERE c.lead_organisation_id = NEW.id AND c.status <> 'closed') THEN
        RAISE EXCEPTION 'the organisation leads open cases' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'accounts_organisation_inactive_without_open_cases';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER organisation_without_open_cases AFTER UPDATE OF is_active ON accounts_organisation
    FOR EACH ROW WHEN (OLD.is_active AND NOT NEW.is_active)
    EXECUTE FUNCTION access.organisation_without_open_cases();

CREATE OR REPLACE FUNCTION access.case_led_by_an_active_one() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM 1 FROM accounts_organisation o WHERE o.id = NEW.lead_organisation_id AND o.is_active FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a deactivated organisation leads no open case' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_case_led_by_an_active_one';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER case_led_by_an_active_one BEFORE INSERT OR UPDATE OF lead_organisation_id, status
    ON beneficiaries_case FOR EACH ROW WHEN (NEW.status <> 'closed')
    EXECUTE FUNCTION access.case_led_by_an_active_one();

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['open_cases_of(uuid, uuid)', 'hand_over_cases(uuid, uuid, uuid)', 'cases_without_caseworker()',
            'open_work_of(uuid)', 'organisation_without_open_cases()', 'case_led_by_an_active_one()']
    LOOP
        EXECUTE format('ALTER FUNCTION access.%s OWNER TO iom_functions', name);
        EXECUTE format('REVOKE ALL ON FUNCTION access.%s FROM PUBLIC', name);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION access.open_cases_of(uuid, uuid), access.hand_over_cases(uuid, uuid, uuid),
    access.cases_without_caseworker(), access.open_work_of(uuid) TO iom_app;
