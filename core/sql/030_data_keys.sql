-- Return the wrapped data keys of the given subjects; the key of an erased subject is NULL. A subject's id is 122 random
-- bits that only a visible row shows, so nobody can list the keys or count them. IOM's auditor sees all ids in the audit
-- log, but nothing that is encrypted with these keys (AuditEvent.never_read).
CREATE OR REPLACE FUNCTION access.data_keys_of(subjects uuid[]) RETURNS TABLE (subject_id uuid, wrapped bytea)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT k.subject_id, k.wrapped FROM core_datakey k WHERE k.subject_id = ANY (subjects) AND access.has_user();
$$;
GRANT SELECT ON core_datakey TO iom_functions;
ALTER FUNCTION access.data_keys_of(uuid[]) OWNER TO iom_functions;
GRANT EXECUTE ON FUNCTION access.data_keys_of(uuid[]) TO iom_app;
