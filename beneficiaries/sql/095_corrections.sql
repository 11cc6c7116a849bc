-- A corrected record has the next version, so that two who read one version can't both save. Arguments: the columns
-- that change without it. Transfers and erasing, which run as iom_functions, set their own version.
CREATE OR REPLACE FUNCTION access.record_has_next_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE others text[] := coalesce(TG_ARGV, '{}');
BEGIN
    IF current_user = 'iom_app' AND NEW.version <> OLD.version + 1
       AND to_jsonb(NEW) - others <> to_jsonb(OLD) - others THEN
        RAISE EXCEPTION 'a corrected record has the next version' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_correction_has_next_version';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER beneficiary_has_next_version BEFORE UPDATE ON beneficiaries_beneficiary
    FOR EACH ROW EXECUTE FUNCTION access.record_has_next_version('find_key', 'phone_index', 'phone_index_2', 'phone_index_3');
CREATE OR REPLACE TRIGGER case_file_has_next_version BEFORE UPDATE ON beneficiaries_casefile
    FOR EACH ROW EXECUTE FUNCTION access.record_has_next_version('caseworker_id', 'risk');
CREATE OR REPLACE TRIGGER identity_document_has_next_version BEFORE UPDATE ON beneficiaries_identitydocument
    FOR EACH ROW EXECUTE FUNCTION access.record_has_next_version('number_index');
CREATE OR REPLACE TRIGGER consent_has_next_version BEFORE UPDATE ON beneficiaries_consent
    FOR EACH ROW EXECUTE FUNCTION access.record_has_next_version('withdrawn_on');

-- A consent stays the answer to what was asked, and a withdrawn one stays withdrawn. Where it lets an organisation read,
-- a correction never lets it read for longer: that is asked anew. A transfer runs as iom_functions.
CREATE OR REPLACE FUNCTION access.consent_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_user = 'iom_app' AND (
       (NEW.id, NEW.case_id, NEW.purpose, NEW.organisation_id, NEW.is_given, NEW.recorded_by_id, NEW.recorded_at)
       IS DISTINCT FROM
       (OLD.id, OLD.case_id, OLD.purpose, OLD.organisation_id, OLD.is_given, OLD.recorded_by_id, OLD.recorded_at)
       OR (OLD.withdrawn_on IS NOT NULL AND NEW.withdrawn_on IS DISTINCT FROM OLD.withdrawn_on)
       OR (NEW.is_given AND NEW.organisation_id IS NOT NULL AND OLD.until_on IS NOT NULL
           AND (NEW.until_on IS NULL OR NEW.until_on > OLD.until_on))) THEN
        RAISE EXCEPTION 'a consent gives no more than was asked for' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_consent_stays';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER consent_stays BEFORE UPDATE ON beneficiaries_consent
    FOR EACH ROW EXECUTE FUNCTION access.consent_stays();
