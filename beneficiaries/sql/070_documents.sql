-- Claim a document that waits for the scanner, for the background task, which acts for no user. Returns its file and
-- the wrapped data key of its case; nothing else of the row.
CREATE OR REPLACE FUNCTION access.next_to_scan(moment timestamptz, lease interval)
    RETURNS TABLE (id uuid, token uuid, file text, subject uuid, wrapped bytea)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT access.sweep_moment(moment);
    UPDATE beneficiaries_document d
       SET leased_until = access.sweep_moment(moment) + access.sweep_lease(lease), token = gen_random_uuid()
      FROM core_datakey k
     WHERE k.subject_id = d.case_id
       AND d.id = (SELECT w.id FROM beneficiaries_document w
                    WHERE w.state = 'waiting' AND (w.leased_until IS NULL OR w.leased_until <= (SELECT access.sweep_moment(moment)))
                    ORDER BY w.at, w.id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING d.id, d.token, d.file::text, d.case_id, k.wrapped;
$$;

-- Save the scanner's result, for the background task, which acts for no user: users who read the document see the token.
-- Returns who uploaded the file and the case's reference; no row where the document waits no longer, or the token
-- `claim_token` isn't that of its claim.
CREATE OR REPLACE FUNCTION access.settle_scan(of_document uuid, claim_token uuid, harmful boolean)
    RETURNS TABLE (handed_in_by uuid, reference text)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT access.sweep_moment(now());
    UPDATE beneficiaries_document d
       SET state = CASE WHEN harmful THEN 'harmful' ELSE 'clean' END,
           file = CASE WHEN harmful THEN '' ELSE d.file END,
           leased_until = NULL,
           token = NULL
      FROM beneficiaries_case c
     WHERE d.id = of_document AND d.token = claim_token AND d.state = 'waiting' AND c.id = d.case_id
    RETURNING d.by_id, c.reference::text;
$$;

-- A document is added by the current user, now, and is one of 100 at most that they add in a day in Nepal
-- (beneficiaries/rules.py). The lock makes a user's documents start one after the other.
CREATE OR REPLACE FUNCTION access.document_starts() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(23117, hashtext(NEW.by_id::text));
    IF NEW.by_id IS DISTINCT FROM access.user_id() THEN
        RAISE EXCEPTION 'a document starts with the user who adds it' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_document_starts';
    END IF;
    NEW.at := clock_timestamp(); -- not the caller's: the limit depends on it
    IF (SELECT count(*) FROM beneficiaries_document d
         WHERE d.by_id = NEW.by_id
           AND (d.at AT TIME ZONE 'Asia/Kathmandu')::date = (NEW.at AT TIME ZONE 'Asia/Kathmandu')::date) >= 100 THEN
        RAISE EXCEPTION 'more files than one user adds in a day' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_document_few_a_day';
    END IF;
    RETURN NEW;
END $$;
ALTER FUNCTION access.document_starts() OWNER TO iom_functions;
CREATE OR REPLACE TRIGGER document_starts BEFORE INSERT ON beneficiaries_document
    FOR EACH ROW EXECUTE FUNCTION access.document_starts();

-- An uploaded document can't change. Only the scanner's result lets a waiting one be read, and a deleted one stays
-- deleted.
CREATE OR REPLACE FUNCTION access.document_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.case_id, NEW.kind, NEW.confidentiality, NEW.title, NEW.content_type, NEW.size, NEW.by_id, NEW.at)
           IS DISTINCT FROM
       (OLD.id, OLD.case_id, OLD.kind, OLD.confidentiality, OLD.title, OLD.content_type, OLD.size, OLD.by_id, OLD.at)
       OR NEW.file NOT IN (OLD.file, '')
       OR (NEW.token IS DISTINCT FROM OLD.token AND current_user <> 'iom_functions')
       OR (NEW.state <> OLD.state
           AND NOT (OLD.state IN ('waiting', 'clean', 'unchecked') AND NEW.state = 'removed')
           AND NOT (OLD.state = 'waiting' AND NEW.state IN ('clean', 'harmful') AND current_user = 'iom_functions'))
    THEN
        RAISE EXCEPTION 'a document stays as it was uploaded' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_document_moves';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER document_transition BEFORE UPDATE ON beneficiaries_document
    FOR EACH ROW EXECUTE FUNCTION access.document_transition();

-- Return which of these files have a row, for the sweep that deletes files of aborted transactions.
CREATE OR REPLACE FUNCTION access.files_known(names text[]) RETURNS SETOF text
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT access.sweep_moment(now());
    SELECT d.file::text FROM beneficiaries_document d WHERE d.file = ANY (names)
    UNION ALL
    SELECT f.name::text FROM beneficiaries_exportfile f WHERE f.name = ANY (names);
$$;

-- Return how many files of the current user were refused in the last hour. The user can't read these events.
CREATE OR REPLACE FUNCTION access.files_refused() RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT count(*) FROM core_auditevent e
     WHERE e.actor_id = access.user_id() AND e.verb IN ('file refused', 'harmful file refused')
       AND e.at > now() - interval '1 hour';
$$;
ALTER FUNCTION access.files_refused() OWNER TO iom_functions;
GRANT EXECUTE ON FUNCTION access.files_refused() TO iom_app;

GRANT SELECT, UPDATE ON beneficiaries_document TO iom_functions;
GRANT SELECT ON beneficiaries_exportfile TO iom_functions;
ALTER FUNCTION access.next_to_scan(timestamptz, interval) OWNER TO iom_functions;
ALTER FUNCTION access.settle_scan(uuid, uuid, boolean) OWNER TO iom_functions;
ALTER FUNCTION access.files_known(text[]) OWNER TO iom_functions;
GRANT EXECUTE ON FUNCTION access.next_to_scan(timestamptz, interval), access.settle_scan(uuid, uuid, boolean),
    access.files_known(text[]) TO iom_app;
