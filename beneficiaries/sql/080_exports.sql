-- Exports. The table is the queue: a worker leases an export, writes its file as the user who asked, and settles it.
-- When a worker dies, another one claims the export after the lease has run out.
GRANT SELECT, UPDATE ON beneficiaries_export TO iom_functions;
GRANT SELECT, DELETE ON beneficiaries_exportfile TO iom_functions;

-- An export starts as asked for by the current user: queued while their rows of that day (in Nepal) are 200 at most
-- (beneficiaries/rules.py), else waiting for approval. The lock makes a user's exports start one after the other.
CREATE OR REPLACE FUNCTION access.export_starts() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE before bigint; many bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(23114, hashtext(NEW.requested_by_id::text));
    IF NEW.requested_by_id IS DISTINCT FROM access.user_id() OR NEW.state NOT IN ('waiting', 'queued')
       OR NEW.decided_by_id IS NOT NULL OR NEW.attempts <> 0 OR NEW.token IS NOT NULL THEN
        RAISE EXCEPTION 'an export starts with the user who asks for it' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_export_starts';
    END IF;
    NEW.asked_at := clock_timestamp(); -- not the caller's: the limits of a day depend on it
    SELECT coalesce(sum(e.counted_rows) FILTER (WHERE e.state NOT IN ('refused', 'failed')), 0), count(*)
      INTO before, many
      FROM beneficiaries_export e
     WHERE e.requested_by_id = NEW.requested_by_id
       AND (e.asked_at AT TIME ZONE 'Asia/Kathmandu')::date = (NEW.asked_at AT TIME ZONE 'Asia/Kathmandu')::date;
    IF many >= 30 THEN
        RAISE EXCEPTION 'more lists than one person asks for in a day' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_export_few_a_day';
    END IF;
    IF NEW.state = 'queued' AND before + NEW.counted_rows > 200 THEN
        RAISE EXCEPTION 'more rows than one user exports in a day' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_export_within_quota';
    END IF;
    RETURN NEW;
END $$;
ALTER FUNCTION access.export_starts() OWNER TO iom_functions;
CREATE OR REPLACE TRIGGER export_starts BEFORE INSERT ON beneficiaries_export
    FOR EACH ROW EXECUTE FUNCTION access.export_starts();

-- What was asked for can't change; the application can only answer a waiting export.
CREATE OR REPLACE FUNCTION access.export_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.reference, NEW.kind, NEW.organisation_id, NEW.requested_by_id, NEW.filters, NEW.reason,
        NEW.counted_rows, NEW.needs_approval, NEW.asked_at) IS DISTINCT FROM
       (OLD.id, OLD.reference, OLD.kind, OLD.organisation_id, OLD.requested_by_id, OLD.filters, OLD.reason,
        OLD.counted_rows, OLD.needs_approval, OLD.asked_at)
       OR (NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN
           (('waiting', 'queued'), ('waiting', 'refused'), ('queued', 'ready'), ('queued', 'failed'),
            ('ready', 'expired')))
       OR (current_user <> 'iom_functions'
           AND (OLD.state <> 'waiting' OR NEW.state NOT IN ('queued', 'refused')
                OR NEW.decided_by_id IS DISTINCT FROM access.user_id()
                OR (NEW.attempts, NEW.lease_until, NEW.token, NEW.failure, NEW.written_rows, NEW.ready_at, NEW.expires_at)
                   IS DISTINCT FROM
                   (OLD.attempts, OLD.lease_until, OLD.token, OLD.failure, OLD.written_rows, OLD.ready_at, OLD.expires_at)))
    THEN
        RAISE EXCEPTION 'an export keeps what was asked for' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_export_moves';
    END IF;
    IF NEW.state <> OLD.state AND NEW.state IN ('ready', 'expired')
       AND EXISTS (SELECT 1 FROM beneficiaries_exportfile f WHERE f.export_id = NEW.id) <> (NEW.state = 'ready') THEN
        RAISE EXCEPTION 'a ready export has a file, and one that is over has none' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_export_ready_has_file';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER export_transition BEFORE UPDATE ON beneficiaries_export
    FOR EACH ROW EXECUTE FUNCTION access.export_transition();

-- Claim the oldest export that nobody is writing, for `lease` from `at`. `attempts` includes this one.
CREATE OR REPLACE FUNCTION access.claim_export(at timestamptz, lease interval)
    RETURNS TABLE (id uuid, token uuid, requested_by_id uuid, attempts integer)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT access.sweep_moment(at);
    UPDATE beneficiaries_export e
       SET lease_until = access.sweep_moment(at) + access.sweep_lease(lease), token = gen_random_uuid(), attempts = e.attempts + 1
     WHERE e.id = (SELECT w.id FROM beneficiaries_export w
                    WHERE w.state = 'queued' AND (w.lease_until IS NULL OR w.lease_until <= (SELECT access.sweep_moment(at)))
                    ORDER BY w.asked_at, w.id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING e.id, e.token, e.requested_by_id, e.attempts::integer;
$$;

-- Settle a claimed export: ready with `of_rows` until `until`, a day from now at most, or failed with `why`. Returns
-- false where the token `claim_token` isn't that of the claim any more. Only for the user who asked, or nobody.
CREATE OR REPLACE FUNCTION access.settle_export(
        export uuid, claim_token uuid, at timestamptz, of_rows integer, until timestamptz, why text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE moment timestamptz := least(at, clock_timestamp());
BEGIN
    UPDATE beneficiaries_export e
       SET state = CASE WHEN why = '' THEN 'ready' ELSE 'failed' END, failure = why, token = NULL, lease_until = NULL,
           written_rows = CASE WHEN why = '' THEN of_rows END, ready_at = CASE WHEN why = '' THEN moment END,
           expires_at = CASE WHEN why = '' THEN least(until, moment + interval '1 day') END
     WHERE e.id = export AND e.token = claim_token AND e.state = 'queued'
       AND (e.requested_by_id = access.user_id() OR NOT access.has_user());
    RETURN FOUND;
END $$;

-- End one expired export: delete the row of its file and destroy the data key of the password. Returns the export and
-- the name of the file, which the caller deletes before this transaction ends.
CREATE OR REPLACE FUNCTION access.expire_export(at timestamptz) RETURNS TABLE (export uuid, name text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE expired uuid; deleted beneficiaries_exportfile; moment timestamptz := access.sweep_moment(at);
BEGIN
    SELECT e.id INTO expired FROM beneficiaries_export e WHERE e.state = 'ready' AND e.expires_at <= moment
     ORDER BY e.expires_at, e.id LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF expired IS NULL THEN
        RETURN;
    END IF;
    DELETE FROM beneficiaries_exportfile f WHERE f.export_id = expired RETURNING f.* INTO deleted;
    UPDATE core_datakey SET wrapped = NULL, destroyed_at = moment WHERE subject_id = deleted.id AND wrapped IS NOT NULL;
    UPDATE beneficiaries_export e SET state = 'expired' WHERE e.id = expired;
    RETURN QUERY SELECT expired, deleted.name::text;
END $$;
ALTER FUNCTION access.claim_export(timestamptz, interval) OWNER TO iom_functions;
ALTER FUNCTION access.settle_export(uuid, uuid, timestamptz, integer, timestamptz, text) OWNER TO iom_functions;
ALTER FUNCTION access.expire_export(timestamptz) OWNER TO iom_functions;
GRANT EXECUTE ON FUNCTION access.claim_export(timestamptz, interval),
    access.settle_export(uuid, uuid, timestamptz, integer, timestamptz, text),
    access.expire_export(timestamptz) TO iom_app;
