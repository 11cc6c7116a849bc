-- A corrected record has the next version, so that two who read one version can't both save. Arguments: the columns.
-- Transfers and erasing, which run as iom_functions, set their own version.
CREATE OR REPLACE FUNCTION access.record_has_next_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE name text;
BEGIN
    IF current_user = 'iom_app' AND NEW.version <> OLD.version + 1 THEN
        FOREACH name IN ARRAY TG_ARGV LOOP
            IF to_jsonb(NEW) -> name IS DISTINCT FROM to_jsonb(OLD) -> name THEN
                RAISE EXCEPTION 'a corrected record has the next version' USING ERRCODE = 'check_violation',
                    CONSTRAINT = 'beneficiaries_correction_has_next_version';
            END IF;
        END LOOP;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER beneficiary_has_next_version BEFORE UPDATE ON beneficiaries_beneficiary
    FOR EACH ROW EXECUTE FUNCTION access.record_has_next_version(
        'first_name', 'middle_name', 'second_name', 'name_ne', 'sex', 'birth_on', 'birth_precision', 'birth_as_typed',
        'citizenship', 'home_district_id', 'home_local_level_id', 'home_place', 'phone', 'safe_contact');
CREATE OR REPLACE TRIGGER case_file_has_next_version BEFORE UPDATE ON beneficiaries_casefile
    FOR EACH ROW EXECUTE FUNCTION access.record_has_next_version(
        'groups', 'primary_group', 'country_of_stay', 'current_district_id', 'narrative', 'needs');
CREATE OR REPLACE TRIGGER identity_document_has_next_version BEFORE UPDATE ON beneficiaries_identitydocument
    FOR EACH ROW EXECUTE FUNCTION access.record_has_next_version(
        'state', 'number', 'issued_district_id', 'issued_on', 'expires_on', 'kept_by');
