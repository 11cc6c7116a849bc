-- Transfer of a case: the lead offers it (by an ordinary INSERT), the receiver accepts or declines, the lead may take
-- the offer back. Only the two functions below end an offer; the application can't update it. Order of locks: the
-- case, the offer, the case file, the beneficiary, then rows that depend on them.
GRANT SELECT, UPDATE ON beneficiaries_casetransfer TO iom_functions;
GRANT SELECT, INSERT, UPDATE ON beneficiaries_beneficiary TO iom_functions;
GRANT UPDATE ON beneficiaries_casefile, beneficiaries_consent, beneficiaries_referral TO iom_functions;

CREATE OR REPLACE FUNCTION access.transfer_starts() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF NEW.state <> 'offered' OR NEW.offered_by_id IS DISTINCT FROM access.user_id() OR NEW.receiver_id = NEW.sender_id
       OR NEW.sender_id <> (SELECT lead_organisation_id FROM beneficiaries_case WHERE id = NEW.case_id) THEN
        RAISE EXCEPTION 'a case is offered first, by whoever acts, to another organisation'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'beneficiaries_transfer_starts';
    END IF;
    RETURN NEW;
END $$;

-- Return the running offer, locked after its case, for a user who writes cases in the lead (`by_lead`) or the receiving
-- organisation. The error is the same for a missing offer and for one of others.
CREATE OR REPLACE FUNCTION access.running_transfer(of_transfer uuid, by_lead boolean)
    RETURNS beneficiaries_casetransfer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE offer beneficiaries_casetransfer; offered beneficiaries_case;
BEGIN
    SELECT c.* INTO offered FROM beneficiaries_case c JOIN beneficiaries_casetransfer t ON t.case_id = c.id
     WHERE t.id = of_transfer FOR UPDATE OF c;
    SELECT * INTO offer FROM beneficiaries_casetransfer WHERE id = of_transfer FOR UPDATE;
    IF offer.id IS NULL OR NOT (CASE WHEN by_lead THEN offered.lead_organisation_id ELSE offer.receiver_id END
                                = ANY(access.organisations_with('write_cases'))) THEN
        RAISE EXCEPTION 'this offer is not yours to answer' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF offer.state <> 'offered' THEN
        RAISE EXCEPTION 'the offer is % by now', offer.state USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_transfer_is_running';
    END IF;
    RETURN offer;
END $$;

-- The receiver takes the case over, with all rows of the case. The beneficiary's row moves too; where the former lead
-- has another case of theirs, it is copied instead. Referrals to the receiver and consents to share with it end, as it
-- leads the case now. The former lead keeps access that it has for another reason, or none.
CREATE OR REPLACE FUNCTION access.transfer_case(of_transfer uuid, new_caseworker uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    offer beneficiaries_casetransfer := access.running_transfer(of_transfer, false);
    today date := (now() AT TIME ZONE 'Asia/Kathmandu')::date;
    transferred beneficiaries_case; beneficiary beneficiaries_beneficiary;
BEGIN
    SELECT * INTO transferred FROM beneficiaries_case WHERE id = offer.case_id;
    IF transferred.status = 'closed' THEN
        RAISE EXCEPTION 'the case is closed' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_transfer_of_open_case';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM beneficiaries_consent c
                    WHERE c.case_id = transferred.id AND c.purpose = 'sharing' AND c.organisation_id = offer.receiver_id
                      AND c.is_given AND c.withdrawn_on IS NULL AND (c.until_on IS NULL OR c.until_on >= today)) THEN
        RAISE EXCEPTION 'the person does not agree' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_transfer_has_consent';
    END IF;
    IF access.has_permission(new_caseworker, offer.receiver_id, 'write_cases', today) IS NOT TRUE THEN
        RAISE EXCEPTION 'the caseworker does not write cases there' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_transfer_caseworker_is_there';
    END IF;
    PERFORM 1 FROM beneficiaries_casefile WHERE case_id = transferred.id FOR UPDATE;
    SELECT * INTO beneficiary FROM beneficiaries_beneficiary WHERE id = transferred.beneficiary_id FOR UPDATE;

    IF EXISTS (SELECT 1 FROM beneficiaries_case c
                WHERE c.beneficiary_id = beneficiary.id AND c.id <> transferred.id) THEN
        beneficiary.id := gen_random_uuid(); beneficiary.organisation_id := offer.receiver_id;
        beneficiary.version := 1; beneficiary.created_at := now();
        INSERT INTO beneficiaries_beneficiary VALUES (beneficiary.*);
    ELSE
        UPDATE beneficiaries_beneficiary
           SET organisation_id = offer.receiver_id, version = version + 1 WHERE id = beneficiary.id;
    END IF;
    -- An import key is unique within the former lead: in the new one it could collide with another.
    UPDATE beneficiaries_case
       SET lead_organisation_id = offer.receiver_id, beneficiary_id = beneficiary.id, import_key = NULL,
           changed_on = today, version = version + 1
     WHERE id = transferred.id;
    UPDATE beneficiaries_casefile SET caseworker_id = new_caseworker, version = version + 1
     WHERE case_id = transferred.id;
    UPDATE beneficiaries_casetransfer
       SET state = 'accepted', caseworker_id = new_caseworker, answered_by_id = access.user_id(), answered_at = now()
     WHERE id = offer.id;
    UPDATE beneficiaries_referral
       SET state = 'finished', answered_by_id = access.user_id(), answered_at = now(), version = version + 1
     WHERE case_id = transferred.id AND receiver_id = offer.receiver_id AND state IN ('sent', 'accepted');
    UPDATE beneficiaries_consent SET withdrawn_on = greatest(asked_on, today)
     WHERE case_id = transferred.id AND organisation_id = offer.receiver_id AND withdrawn_on IS NULL;

    DELETE FROM beneficiaries_caseaccess WHERE case_id = transferred.id AND basis = 'lead';
    INSERT INTO beneficiaries_caseaccess
           (id, case_id, organisation_id, level, basis, reference, status, lead_organisation_id, changed_on, risk,
            programmes)
    VALUES (gen_random_uuid(), transferred.id, offer.receiver_id, 'lead', 'lead', transferred.reference,
            transferred.status, offer.receiver_id, today, '', '{}');
    PERFORM access.settle_access(transferred.id);
END $$;

-- The receiver declines, or the lead takes back. A consent that was asked for this offer ends too. `why` is encrypted.
CREATE OR REPLACE FUNCTION access.end_transfer(of_transfer uuid, becomes text, why bytea) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE offer beneficiaries_casetransfer;
BEGIN
    IF becomes IS NULL OR becomes NOT IN ('declined', 'taken_back') THEN
        RAISE EXCEPTION 'an offer does not end as %', becomes USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_transfer_ends';
    END IF;
    offer := access.running_transfer(of_transfer, becomes = 'taken_back');
    UPDATE beneficiaries_casetransfer
       SET state = becomes, answer = coalesce(why, ''), answered_by_id = access.user_id(), answered_at = now()
     WHERE id = offer.id;
    UPDATE beneficiaries_consent
       SET withdrawn_on = greatest(asked_on, (now() AT TIME ZONE 'Asia/Kathmandu')::date)
     WHERE id = offer.consent_id AND purpose = 'sharing' AND withdrawn_on IS NULL;
END $$;

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['transfer_starts()', 'running_transfer(uuid, boolean)', 'transfer_case(uuid, uuid)',
            'end_transfer(uuid, text, bytea)']
    LOOP
        EXECUTE format('ALTER FUNCTION access.%s OWNER TO iom_functions', name);
        EXECUTE format('REVOKE ALL ON FUNCTION access.%s FROM PUBLIC', name);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION access.transfer_case(uuid, uuid), access.end_transfer(uuid, text, bytea) TO iom_app;

CREATE OR REPLACE TRIGGER transfer_starts BEFORE INSERT ON beneficiaries_casetransfer
    FOR EACH ROW EXECUTE FUNCTION access.transfer_starts();
