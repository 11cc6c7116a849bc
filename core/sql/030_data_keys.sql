-- Keys are handed out to whoever names whose they are: a key of 122 random bits that only its row tells. So nobody
-- learns how many there are. A destroyed one is there, and empty.
CREATE OR REPLACE FUNCTION access.data_keys_of(subjects uuid[]) RETURNS TABLE (subject_id uuid, wrapped bytea)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT k.subject_id, k.wrapped FROM core_datakey k WHERE k.subject_id = ANY (subjects) AND access.has_user();
$$;
GRANT SELECT ON core_datakey TO iom_functions;
ALTER FUNCTION access.data_keys_of(uuid[]) OWNER TO iom_functions;
GRANT EXECUTE ON FUNCTION access.data_keys_of(uuid[]) TO iom_app;
