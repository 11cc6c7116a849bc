-- A sent referral can't change, apart from its answer, whose states only go forward.
CREATE OR REPLACE FUNCTION access.referral_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.case_id, NEW.receiver_id, NEW.service, NEW.reason, NEW.sent_by_id, NEW.sent_at) IS DISTINCT FROM
       (OLD.id, OLD.case_id, OLD.receiver_id, OLD.service, OLD.reason, OLD.sent_by_id, OLD.sent_at)
       OR (NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN
           (('sent', 'accepted'), ('sent', 'declined'), ('sent', 'finished'), ('accepted', 'finished'))) THEN
        RAISE EXCEPTION 'a referral keeps what was sent' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_referral_moves';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER referral_transition BEFORE UPDATE ON beneficiaries_referral
    FOR EACH ROW EXECUTE FUNCTION access.referral_transition();

-- The receiver of an item must be that of its referral.
CREATE OR REPLACE FUNCTION access.item_goes_to_receiver() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF NEW.receiver_id <> (SELECT receiver_id FROM beneficiaries_referral WHERE id = NEW.referral_id) THEN
        RAISE EXCEPTION 'an item goes to the receiver of its referral' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_item_goes_to_receiver';
    END IF;
    RETURN NEW;
END $$;
ALTER FUNCTION access.item_goes_to_receiver() OWNER TO iom_functions;
CREATE OR REPLACE TRIGGER item_goes_to_receiver BEFORE INSERT ON beneficiaries_shareditem
    FOR EACH ROW EXECUTE FUNCTION access.item_goes_to_receiver();
