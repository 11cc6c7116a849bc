-- The audit log's hash chains. An event is linked when its transaction commits: a deferred trigger takes the next
-- sequence number in one of eight shards and locks that shard until the commit is done. The transaction id chooses the
-- shard, so requests rarely wait for each other, and the events of one transaction share a shard, which rules out
-- deadlocks.
CREATE OR REPLACE FUNCTION access.audit_text(e core_auditevent) RETURNS text LANGUAGE sql STABLE
    SET search_path = pg_catalog, public SET "TimeZone" = 'UTC' AS $$
    -- Each part is prefixed by its length, with a dash for NULL, so that two different events never give one text.
    SELECT string_agg(coalesce(length(part) || ':' || part, '-'), '' ORDER BY ordinal)
      FROM unnest(ARRAY[e.id::text, ((extract(epoch FROM e.at) * 1000000)::bigint)::text, e.actor_id::text,
                        e.verb::text, e.object_type::text, e.object_id::text, e.case_id::text, e.detail::text,
                        encode(e.encrypted_changes, 'hex')]) WITH ORDINALITY AS parts(part, ordinal);
$$;

CREATE OR REPLACE FUNCTION access.audit_digest(former bytea, in_shard integer, at_seq bigint, e core_auditevent)
    RETURNS bytea LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
    SELECT sha256(former || convert_to(in_shard || ':' || at_seq || ':' || access.audit_text(e), 'UTF8'));
$$;

-- The database sets actor and time: whatever the application passes, its event gets the transaction's user and the
-- clock's time, and the policy refuses any other actor (core/models.py). Only the owner, who loads and restores data,
-- passes its own values.
CREATE OR REPLACE FUNCTION access.sign_audit_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_user <> 'iom_owner' THEN
        NEW.actor_id := access.user_id();
        NEW.at := clock_timestamp();
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER sign_audit_event BEFORE INSERT ON core_auditevent
    FOR EACH ROW EXECUTE FUNCTION access.sign_audit_event();

GRANT SELECT ON core_auditevent TO iom_functions;
GRANT SELECT, INSERT, UPDATE ON core_auditshard TO iom_functions;
GRANT INSERT ON core_auditlink TO iom_functions;
INSERT INTO core_auditshard (shard, seq, digest)
SELECT shard, 0, sha256(convert_to('shard ' || shard, 'UTF8')) FROM generate_series(0, 7) AS shard
ON CONFLICT DO NOTHING;

CREATE OR REPLACE FUNCTION access.link_event(e core_auditevent) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE head core_auditshard;
BEGIN
    SELECT * INTO head FROM core_auditshard
     WHERE shard = (pg_current_xact_id()::text::numeric % 8)::integer FOR UPDATE;
    head.seq := head.seq + 1;
    head.digest := access.audit_digest(head.digest, head.shard, head.seq, e);
    UPDATE core_auditshard SET seq = head.seq, digest = head.digest WHERE shard = head.shard;
    INSERT INTO core_auditlink (event_id, shard, seq, digest) VALUES (e.id, head.shard, head.seq, head.digest);
END $$;
CREATE OR REPLACE FUNCTION access.chain_event() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM access.link_event(NEW);
    RETURN NULL;
END $$;
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['audit_text(core_auditevent)', 'audit_digest(bytea, integer, bigint, core_auditevent)',
            'link_event(core_auditevent)', 'chain_event()']
    LOOP
        EXECUTE format('ALTER FUNCTION access.%s OWNER TO iom_functions', name);
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'chain_event') THEN
        CREATE CONSTRAINT TRIGGER chain_event AFTER INSERT ON core_auditevent
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION access.chain_event();
        -- Once: link the events from before the chains existed.
        PERFORM access.link_event(e) FROM (SELECT * FROM core_auditevent ORDER BY at, id) AS e;
    END IF;
END $$;
