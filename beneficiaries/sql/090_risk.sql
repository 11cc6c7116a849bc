-- The risk level of a case file is that of its last assessment, and only an assessment sets it.
-- Of two at once the second waits for the file's row, and is refused: its `former` level is out of date.
CREATE OR REPLACE FUNCTION access.risk_assessed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE level text;
BEGIN
    SELECT f.risk INTO level FROM beneficiaries_casefile f WHERE f.case_id = NEW.case_id FOR UPDATE;
    IF level IS DISTINCT FROM NEW.former THEN
        RAISE EXCEPTION 'the risk level before was another' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_risk_follows_the_last';
    END IF;
    UPDATE beneficiaries_casefile SET risk = NEW.level WHERE case_id = NEW.case_id AND risk <> NEW.level;
    RETURN NULL;
END $$;
ALTER FUNCTION access.risk_assessed() OWNER TO iom_functions;
CREATE OR REPLACE TRIGGER risk_assessed AFTER INSERT ON beneficiaries_riskassessment
    FOR EACH ROW EXECUTE FUNCTION access.risk_assessed();

CREATE OR REPLACE FUNCTION access.risk_is_assessed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.risk IS DISTINCT FROM (CASE WHEN TG_OP = 'UPDATE' THEN OLD.risk ELSE 'unknown' END)
       AND current_user <> 'iom_functions' THEN
        RAISE EXCEPTION 'a risk level is set by an assessment' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_file_risk_is_assessed';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER risk_is_assessed AFTER INSERT OR UPDATE OF risk ON beneficiaries_casefile
    FOR EACH ROW EXECUTE FUNCTION access.risk_is_assessed();
