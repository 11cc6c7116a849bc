-- Unfinished first interviews. Only the author reads the content. Users who may give one to another user see its author
-- and dates, through the functions below. Each function checks the current user and uses the database's date.
GRANT SELECT, UPDATE, DELETE ON beneficiaries_intakedraft TO iom_functions;

-- The application can't change a draft's author, end or supervisor's decision, nor clear the risk flag.
CREATE OR REPLACE FUNCTION access.draft_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE today date := (now() AT TIME ZONE 'Asia/Kathmandu')::date;
BEGIN
    IF current_user = 'iom_functions' THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.expires_on > today + 14 OR NEW.warned_on IS NOT NULL OR NEW.kept_by_id IS NOT NULL THEN
            RAISE EXCEPTION 'an interview ends after 14 days' USING ERRCODE = 'check_violation',
                CONSTRAINT = 'beneficiaries_draft_stays';
        END IF;
    ELSIF (NEW.id, NEW.author_id, NEW.organisation_id, NEW.created_at, NEW.expires_on, NEW.warned_on, NEW.kept_by_id,
           NEW.kept_because)
          IS DISTINCT FROM (OLD.id, OLD.author_id, OLD.organisation_id, OLD.created_at, OLD.expires_on, OLD.warned_on,
           OLD.kept_by_id, OLD.kept_because)
          OR (OLD.is_at_risk AND NOT NEW.is_at_risk) OR (OLD.opened_reference <> '' AND NEW.opened_reference = '') THEN
        RAISE EXCEPTION 'an interview keeps its author, its end and its risk' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_draft_stays';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER draft_stays BEFORE INSERT OR UPDATE ON beneficiaries_intakedraft
    FOR EACH ROW EXECUTE FUNCTION access.draft_stays();

-- Destroy a draft's data key when it is deleted, and when it has become a case.
CREATE OR REPLACE FUNCTION access.draft_ended() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE core_datakey SET wrapped = NULL, destroyed_at = now() WHERE subject_id = OLD.id AND wrapped IS NOT NULL;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER draft_deleted AFTER DELETE ON beneficiaries_intakedraft
    FOR EACH ROW EXECUTE FUNCTION access.draft_ended();
CREATE OR REPLACE TRIGGER draft_became_a_case AFTER UPDATE ON beneficiaries_intakedraft
    FOR EACH ROW WHEN (OLD.opened_reference = '' AND NEW.opened_reference <> '')
    EXECUTE FUNCTION access.draft_ended();

-- Return whether a user decides about unfinished interviews of an organisation: as its supervisor or, where it has
-- none, as a protection supervisor of IOM.
CREATE OR REPLACE FUNCTION access.decides_on_drafts(of_user uuid, of_organisation uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH day AS (SELECT (now() AT TIME ZONE 'Asia/Kathmandu')::date AS today)
    SELECT of_user IS NOT NULL AND (access.has_permission(of_user, of_organisation, 'assign_cases', today) OR (
           EXISTS (SELECT 1 FROM accounts_organisation o
                    WHERE o.kind = 'iom' AND access.has_permission(of_user, o.id, 'break_glass', today))
           AND NOT EXISTS (SELECT 1 FROM accounts_membership m JOIN accounts_role r ON r.id = m.role_id
                            WHERE r.organisation_id = of_organisation
                              AND access.has_permission(m.user_id, of_organisation, 'assign_cases', today))))
      FROM day;
$$;

-- Return whether a user may give interviews to another one: these supervisors, and users who may end access there.
CREATE OR REPLACE FUNCTION access.may_reassign_drafts(of_user uuid, of_organisation uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH day AS (SELECT (now() AT TIME ZONE 'Asia/Kathmandu')::date AS today)
    SELECT of_user IS NOT NULL AND (access.decides_on_drafts(of_user, of_organisation)
           OR access.has_permission(of_user, of_organisation, 'manage_users', today)
           OR EXISTS (SELECT 1 FROM accounts_organisation o
                       WHERE o.kind = 'iom' AND access.has_permission(of_user, o.id, 'configure', today)))
      FROM day;
$$;

-- Return whether a draft waits for a supervisor: somebody may be at risk, and it has expired or consent was refused.
CREATE OR REPLACE FUNCTION access.draft_waits(d beneficiaries_intakedraft) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
    SELECT d.opened_reference = '' AND d.is_at_risk
       AND (d.expires_on <= (now() AT TIME ZONE 'Asia/Kathmandu')::date
            OR (d.refused_at IS NOT NULL AND d.kept_by_id IS NULL));
$$;

-- Return unfinished interviews that the current user may give to another one, without content. `kept_because` is
-- encrypted, and empty for those who don't decide.
CREATE OR REPLACE FUNCTION access.drafts_to_reassign()
    RETURNS TABLE (id uuid, author_id uuid, organisation_id uuid, started_at timestamptz, expires_on date,
                   is_at_risk boolean, waits boolean, is_orphaned boolean, decides boolean, kept_because bytea)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH allowed AS (
        SELECT o.id, access.decides_on_drafts(access.user_id(), o.id) AS decides
          FROM accounts_organisation o
         WHERE EXISTS (SELECT 1 FROM beneficiaries_intakedraft d
                        WHERE d.organisation_id = o.id AND d.opened_reference = '')
           AND access.may_reassign_drafts(access.user_id(), o.id)
    )
    SELECT d.id, d.author_id, d.organisation_id, d.created_at, d.expires_on, d.is_at_risk, access.draft_waits(d),
           NOT access.has_permission(d.author_id, d.organisation_id, 'write_cases', (now() AT TIME ZONE 'Asia/Kathmandu')::date),
           m.decides, CASE WHEN m.decides THEN d.kept_because ELSE '' END
      FROM beneficiaries_intakedraft d JOIN allowed m ON m.id = d.organisation_id
     WHERE d.opened_reference = ''
     ORDER BY d.created_at, d.id;
$$;

-- Return the unfinished draft, locked, for a user who may give it to another one or, with `deciding`, decide about it.
-- The error is the same for a missing draft and for one of others.
CREATE OR REPLACE FUNCTION access.unfinished_draft(of_draft uuid, deciding boolean) RETURNS beneficiaries_intakedraft
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE found beneficiaries_intakedraft;
BEGIN
    SELECT * INTO found FROM beneficiaries_intakedraft WHERE id = of_draft FOR UPDATE;
    IF found.id IS NULL OR NOT (CASE WHEN deciding THEN access.decides_on_drafts(access.user_id(), found.organisation_id)
                                ELSE access.may_reassign_drafts(access.user_id(), found.organisation_id) END) THEN
        RAISE EXCEPTION 'not an interview that you decide about' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF found.opened_reference <> '' THEN
        RAISE EXCEPTION 'the interview is a case by now' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_draft_is_unfinished';
    END IF;
    RETURN found;
END $$;

-- Give a draft to another user who writes cases there, and who gets 14 days; where somebody may be at risk the end
-- stays, as a supervisor decides then. Only those who decide about interviews may give one to themselves.
CREATE OR REPLACE FUNCTION access.reassign_draft(of_draft uuid, new_author uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    draft beneficiaries_intakedraft := access.unfinished_draft(of_draft, new_author = access.user_id());
    today date := (now() AT TIME ZONE 'Asia/Kathmandu')::date;
BEGIN
    IF access.has_permission(new_author, draft.organisation_id, 'write_cases', today) IS NOT TRUE THEN
        RAISE EXCEPTION 'this user does not write cases there' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_draft_author_writes_there';
    END IF;
    UPDATE beneficiaries_intakedraft d
       SET author_id = new_author,
           expires_on = CASE WHEN d.is_at_risk THEN d.expires_on ELSE greatest(d.expires_on, today + 14) END,
           warned_on = CASE WHEN d.is_at_risk THEN d.warned_on END
     WHERE d.id = draft.id;
END $$;

-- A supervisor keeps a draft in which somebody may be at risk for 90 days at most, with an encrypted reason; or
-- deletes it.
CREATE OR REPLACE FUNCTION access.keep_draft(of_draft uuid, until date, why bytea) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    draft beneficiaries_intakedraft := access.unfinished_draft(of_draft, true);
    today date := (now() AT TIME ZONE 'Asia/Kathmandu')::date;
BEGIN
    IF until IS NULL OR until <= today OR until > today + 90 OR NOT draft.is_at_risk THEN
        RAISE EXCEPTION 'kept where somebody may be at risk, for 90 days at most' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_draft_kept_for_a_while';
    END IF;
    UPDATE beneficiaries_intakedraft d
       SET expires_on = until, warned_on = NULL, kept_by_id = access.user_id(), kept_because = coalesce(why, '')
     WHERE d.id = draft.id;
END $$;
CREATE OR REPLACE FUNCTION access.delete_draft(of_draft uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE draft beneficiaries_intakedraft := access.unfinished_draft(of_draft, true);
BEGIN
    DELETE FROM beneficiaries_intakedraft d WHERE d.id = draft.id;
END $$;

-- For the background task, which acts for no user: mark one draft that ends within two days as warned of; and delete
-- one that has expired. A draft is deleted two days after the warning at the earliest, and never while somebody may
-- be at risk. Both use the database's date, so that a caller can't make a draft end sooner.
CREATE OR REPLACE FUNCTION access.next_draft_to_warn()
    RETURNS TABLE (id uuid, author_id uuid, organisation_id uuid, expires_on date, is_at_risk boolean)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT access.sweep_moment(now());
    WITH day AS (SELECT (now() AT TIME ZONE 'Asia/Kathmandu')::date AS today)
    UPDATE beneficiaries_intakedraft d SET warned_on = day.today
      FROM day
     WHERE d.id = (SELECT w.id FROM beneficiaries_intakedraft w
                    WHERE w.opened_reference = '' AND w.warned_on IS NULL AND w.expires_on <= day.today + 2
                    ORDER BY w.expires_on, w.id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING d.id, d.author_id, d.organisation_id, d.expires_on, d.is_at_risk;
$$;
CREATE OR REPLACE FUNCTION access.delete_expired_draft() RETURNS TABLE (id uuid, author_id uuid, organisation_id uuid)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT access.sweep_moment(now());
    WITH day AS (SELECT (now() AT TIME ZONE 'Asia/Kathmandu')::date AS today)
    DELETE FROM beneficiaries_intakedraft d
     WHERE d.id = (SELECT w.id FROM beneficiaries_intakedraft w, day
                    WHERE w.opened_reference = '' AND NOT w.is_at_risk AND w.expires_on <= day.today
                      AND w.warned_on <= day.today - 2
                    ORDER BY w.expires_on, w.id LIMIT 1 FOR UPDATE OF w SKIP LOCKED)
    RETURNING d.id, d.author_id, d.organisation_id;
$$;

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['draft_ended()', 'decides_on_drafts(uuid, uuid)', 'may_reassign_drafts(uuid, uuid)',
            'draft_waits(beneficiaries_intakedraft)', 'drafts_to_reassign()', 'unfinished_draft(uuid, boolean)',
            'reassign_draft(uuid, uuid)', 'keep_draft(uuid, date, bytea)', 'delete_draft(uuid)',
            'next_draft_to_warn()', 'delete_expired_draft()']
    LOOP
        EXECUTE format('ALTER FUNCTION access.%s OWNER TO iom_functions', name);
        EXECUTE format('REVOKE ALL ON FUNCTION access.%s FROM PUBLIC', name);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION access.drafts_to_reassign(), access.reassign_draft(uuid, uuid),
    access.keep_draft(uuid, date, bytea), access.delete_draft(uuid), access.next_draft_to_warn(),
    access.delete_expired_draft() TO iom_app;
