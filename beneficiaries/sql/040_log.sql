-- References of cases for auditors, who can't read cases. Both functions return nothing to anybody else.
CREATE OR REPLACE FUNCTION access.references_in_log(ids uuid[]) RETURNS TABLE (id uuid, reference text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT c.id, c.reference::text FROM beneficiaries_case c WHERE access.audits() AND c.id = ANY (ids);
$$;
CREATE OR REPLACE FUNCTION access.case_in_log(typed text) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT c.id FROM beneficiaries_case c WHERE access.audits() AND c.reference = typed;
$$;
ALTER FUNCTION access.references_in_log(uuid[]) OWNER TO iom_functions;
ALTER FUNCTION access.case_in_log(text) OWNER TO iom_functions;
GRANT EXECUTE ON FUNCTION access.references_in_log(uuid[]), access.case_in_log(text) TO iom_app;
