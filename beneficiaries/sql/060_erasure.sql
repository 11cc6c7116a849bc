-- Erase a beneficiary: destroy the data keys of their row, their cases and emergency openings of these, so that all
-- encrypted text becomes unreadable, in rows, in the audit log and in later backups; and empty the columns that
-- identify them. Sex, year of birth, district, programmes and amounts stay, for aggregates, and which identity
-- documents there were. Returns the number of destroyed keys.
GRANT UPDATE ON core_datakey TO iom_functions;
GRANT SELECT ON beneficiaries_emergencyopening TO iom_functions;
GRANT SELECT, UPDATE ON beneficiaries_document TO iom_functions;

CREATE OR REPLACE FUNCTION access.erase_beneficiary(of_beneficiary uuid) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    today date := (now() AT TIME ZONE 'Asia/Kathmandu')::date;
    found beneficiaries_beneficiary; case_ids uuid[]; destroyed integer;
BEGIN
    SELECT * INTO found FROM beneficiaries_beneficiary WHERE id = of_beneficiary FOR UPDATE;
    IF found.id IS NULL OR access.has_permission(access.user_id(), found.organisation_id, 'erase_beneficiaries', today) IS NOT TRUE THEN
        RAISE EXCEPTION 'not a person that you may erase' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM 1 FROM beneficiaries_case WHERE beneficiary_id = of_beneficiary ORDER BY id FOR UPDATE;
    IF EXISTS (SELECT 1 FROM beneficiaries_case WHERE beneficiary_id = of_beneficiary AND status <> 'closed') THEN
        RAISE EXCEPTION 'a case of hers is open' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_erased_has_no_open_case';
    END IF;
    SELECT coalesce(array_agg(id), '{}') INTO case_ids FROM beneficiaries_case WHERE beneficiary_id = of_beneficiary;
    UPDATE core_datakey SET wrapped = NULL, destroyed_at = now()
     WHERE wrapped IS NOT NULL
       AND (subject_id = of_beneficiary OR subject_id = ANY (case_ids)
            OR subject_id IN (SELECT id FROM beneficiaries_emergencyopening WHERE case_id = ANY (case_ids)));
    GET DIAGNOSTICS destroyed = ROW_COUNT;
    -- Subjects without a data key can't get one any more.
    INSERT INTO core_datakey (subject_id, made_at, destroyed_at)
    SELECT subject, now(), now() FROM unnest(of_beneficiary || case_ids) AS subject ON CONFLICT DO NOTHING;
    PERFORM access.empty_erased(of_beneficiary); -- made of `is_erased` in the models' `record_fields`
    UPDATE beneficiaries_beneficiary
       SET first_name = '–', birth_as_typed = '', erased_on = today,
           -- of an age on a day the middle of three years, of all others the year
           birth_on = date_trunc('year', birth_on + CASE birth_precision WHEN 'age' THEN 547 ELSE 0 END)::date,
           birth_precision = CASE WHEN birth_on IS NULL THEN '' ELSE 'year' END
     WHERE id = of_beneficiary;
    -- The daily sweep deletes the files, which can't be decrypted any more.
    UPDATE beneficiaries_document
       SET file = '', state = 'removed', removed_by_id = access.user_id(), removed_at = now(), leased_until = NULL,
           token = NULL
     WHERE case_id = ANY (case_ids) AND file <> '';
    UPDATE beneficiaries_case SET import_key = NULL WHERE id = ANY (case_ids);
    RETURN destroyed;
END $$;
GRANT INSERT ON core_datakey TO iom_functions;
ALTER FUNCTION access.erase_beneficiary(uuid) OWNER TO iom_functions;
GRANT EXECUTE ON FUNCTION access.erase_beneficiary(uuid) TO iom_app;
