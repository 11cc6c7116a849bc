-- Return the form in which names of organisations are compared: without case, joiners and width variants, as
-- core.names.key. A stored name is tidied already (core.names.NameField).
CREATE OR REPLACE FUNCTION access.name_key(name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog AS $$
    SELECT normalize(lower(normalize(regexp_replace(name, '[\u200c\u200d]', '', 'g'), NFKC)), NFKC);
$$;

-- No organisation has a name of another one, in either language: whoever chooses a receiver knows it by its name. The
-- lock makes organisations get their names one after the other.
CREATE OR REPLACE FUNCTION access.organisation_is_named_apart() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('names of organisations', 0));
    IF EXISTS (SELECT 1 FROM accounts_organisation o
                WHERE o.id <> NEW.id
                  AND ARRAY[access.name_key(o.name_en), nullif(access.name_key(o.name_ne), '')]
                      && ARRAY[access.name_key(NEW.name_en), nullif(access.name_key(NEW.name_ne), '')]) THEN
        RAISE EXCEPTION 'another organisation has this name' USING ERRCODE = 'unique_violation',
            CONSTRAINT = 'accounts_organisation_name_once';
    END IF;
    RETURN NEW;
END $$;
ALTER FUNCTION access.organisation_is_named_apart() OWNER TO iom_functions;
CREATE OR REPLACE TRIGGER organisation_is_named_apart BEFORE INSERT OR UPDATE OF name_en, name_ne ON accounts_organisation
    FOR EACH ROW EXECUTE FUNCTION access.organisation_is_named_apart();
