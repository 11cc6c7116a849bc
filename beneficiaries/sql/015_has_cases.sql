-- Note on an organisation when it first gets access to a case, or begins a first interview: from then on giving roles there
-- needs a second user.
CREATE OR REPLACE FUNCTION access.case_is_noted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE accounts_organisation SET cases_since = now() WHERE id = NEW.organisation_id AND cases_since IS NULL;
    RETURN NULL;
END $$;
ALTER FUNCTION access.case_is_noted() OWNER TO iom_functions;
CREATE OR REPLACE TRIGGER case_is_noted AFTER INSERT ON beneficiaries_caseaccess
    FOR EACH ROW EXECUTE FUNCTION access.case_is_noted();
CREATE OR REPLACE TRIGGER interview_is_noted AFTER INSERT ON beneficiaries_intakedraft
    FOR EACH ROW EXECUTE FUNCTION access.case_is_noted();
-- Organisations that had cases or interviews before this was noted.
UPDATE accounts_organisation o SET cases_since = now()
 WHERE o.cases_since IS NULL
   AND (EXISTS (SELECT 1 FROM beneficiaries_caseaccess a WHERE a.organisation_id = o.id)
        OR EXISTS (SELECT 1 FROM beneficiaries_intakedraft d WHERE d.organisation_id = o.id));
