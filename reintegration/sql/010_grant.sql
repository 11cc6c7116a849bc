-- A requested grant can't change, and its state only follows the workflow.
CREATE OR REPLACE FUNCTION access.grant_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.case_id, NEW.plan_id, NEW.project_id, NEW.budget_line_id, NEW.amount_npr, NEW.ceiling_npr,
        NEW.livelihood, NEW.purpose, NEW.requested_by_id, NEW.requested_at)
       IS DISTINCT FROM
       (OLD.id, OLD.case_id, OLD.plan_id, OLD.project_id, OLD.budget_line_id, OLD.amount_npr, OLD.ceiling_npr,
        OLD.livelihood, OLD.purpose, OLD.requested_by_id, OLD.requested_at)
       OR (OLD.endorsed_by_id IS NOT NULL AND NEW.endorsed_by_id IS DISTINCT FROM OLD.endorsed_by_id)
       OR (OLD.approved_by_id IS NOT NULL AND NEW.approved_by_id IS DISTINCT FROM OLD.approved_by_id) THEN
        RAISE EXCEPTION 'what was asked for and decided stays' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'reintegration_grant_stays';
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN
       (('requested', 'endorsed'), ('requested', 'refused'), ('endorsed', 'approved'), ('endorsed', 'refused'),
        ('approved', 'paid'), ('requested', 'withdrawn'), ('endorsed', 'withdrawn')) THEN
        RAISE EXCEPTION 'a grant does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation',
            CONSTRAINT = 'reintegration_grant_path';
    END IF;
    IF NEW.state = 'withdrawn' AND OLD.state <> 'withdrawn'
       AND access.user_id() IS DISTINCT FROM NEW.requested_by_id THEN
        RAISE EXCEPTION 'a grant is withdrawn by who asked for it' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'reintegration_grant_withdrawn_by_its_requester';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER grant_transition BEFORE UPDATE ON reintegration_grant
    FOR EACH ROW EXECUTE FUNCTION access.grant_transition();

-- A new grant starts as requested, from a budget line of its programme that pays grants.
CREATE OR REPLACE FUNCTION access.grant_starts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'requested' OR NEW.endorsed_by_id IS NOT NULL OR NEW.approved_by_id IS NOT NULL THEN
        RAISE EXCEPTION 'a grant starts as requested' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'reintegration_grant_path';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM projects_budgetline b
                    WHERE b.id = NEW.budget_line_id AND b.project_id = NEW.project_id AND b.pays_grants) THEN
        RAISE EXCEPTION 'this budget line pays no grants of the programme' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'reintegration_grant_line_pays_grants';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER grant_starts BEFORE INSERT ON reintegration_grant
    FOR EACH ROW EXECUTE FUNCTION access.grant_starts();

-- Instalments: their sum is at most the grant, each is paid once, by a third user. The grant is locked, so that of two
-- at once the second sees the first.
GRANT SELECT, UPDATE ON reintegration_grant TO iom_functions; -- UPDATE for the row lock
GRANT SELECT ON reintegration_instalment TO iom_functions;

CREATE OR REPLACE FUNCTION access.instalment_money() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE g reintegration_grant;
BEGIN
    SELECT * INTO g FROM reintegration_grant WHERE id = NEW.grant_id FOR UPDATE;
    IF TG_OP = 'UPDATE' AND (OLD.state = 'paid' OR (NEW.id, NEW.grant_id, NEW.case_id, NEW.number, NEW.amount_npr)
                             IS DISTINCT FROM (OLD.id, OLD.grant_id, OLD.case_id, OLD.number, OLD.amount_npr)) THEN
        RAISE EXCEPTION 'an instalment is paid once and keeps its amount' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'reintegration_instalment_stays';
    END IF;
    IF g.state NOT IN ('approved') THEN
        RAISE EXCEPTION 'the grant is not approved' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'reintegration_instalment_of_approved';
    END IF;
    IF NEW.amount_npr + (SELECT coalesce(sum(amount_npr), 0) FROM reintegration_instalment
                          WHERE grant_id = NEW.grant_id AND id <> NEW.id) > g.amount_npr THEN
        RAISE EXCEPTION 'instalments are more than the grant' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'reintegration_instalment_within_grant';
    END IF;
    IF NEW.paid_by_id IN (g.requested_by_id, g.approved_by_id) THEN
        RAISE EXCEPTION 'who asked for or approved a grant does not pay it' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'reintegration_instalment_payer_is_third';
    END IF;
    RETURN NEW;
END $$;
ALTER FUNCTION access.instalment_money() OWNER TO iom_functions;
CREATE OR REPLACE TRIGGER instalment_money BEFORE INSERT OR UPDATE ON reintegration_instalment
    FOR EACH ROW EXECUTE FUNCTION access.instalment_money();
