-- Mail waiting to be sent: the application adds messages, and claims and settles them through these two functions.
GRANT SELECT, UPDATE ON core_outboxmessage TO iom_functions;

-- Claim the oldest message that nobody is sending, for `lease` from `at`. `attempts` includes this attempt.
CREATE OR REPLACE FUNCTION access.claim_mail(at timestamptz, lease interval)
    RETURNS TABLE (id uuid, token uuid, recipient text, subject text, body text, attempts integer, key text)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT access.sweep_moment(at);
    UPDATE core_outboxmessage m
       SET lease_until = access.sweep_moment(at) + access.sweep_lease(lease), token = gen_random_uuid(), attempts = m.attempts + 1
     WHERE m.id = (SELECT w.id FROM core_outboxmessage w
                    WHERE w.sent_at IS NULL AND w.failed_at IS NULL
                      AND (w.lease_until IS NULL OR w.lease_until <= (SELECT access.sweep_moment(at)))
                    ORDER BY w.created_at, w.id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING m.id, m.token, m.recipient::text, m.subject::text, m.body, m.attempts, m.key::text;
$$;

-- Store the outcome of an attempt; false if another sender has claimed the message since. After an error the next
-- attempt waits twice as long as the last one; after ten attempts the message has failed.
CREATE OR REPLACE FUNCTION access.settle_mail(message uuid, claim_token uuid, at timestamptz, error text)
    RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE core_outboxmessage m
       SET sent_at = CASE WHEN error IS NULL THEN access.sweep_moment(at) END,
           failed_at = CASE WHEN error IS NOT NULL AND m.attempts >= 10 THEN access.sweep_moment(at) END,
           last_error = coalesce(left(error, 300), ''),
           lease_until = CASE WHEN error IS NOT NULL THEN access.sweep_moment(at) + interval '1 minute' * power(2, m.attempts)
                         END,
           token = NULL
     WHERE m.id = message AND m.token = claim_token AND m.sent_at IS NULL;
    RETURN FOUND;
END $$;
ALTER FUNCTION access.claim_mail(timestamptz, interval) OWNER TO iom_functions;
ALTER FUNCTION access.settle_mail(uuid, uuid, timestamptz, text) OWNER TO iom_functions;
GRANT EXECUTE ON FUNCTION access.claim_mail(timestamptz, interval),
    access.settle_mail(uuid, uuid, timestamptz, text) TO iom_app;
