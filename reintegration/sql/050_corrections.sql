-- A corrected plan or follow-up has the next version (beneficiaries/sql/095_corrections.sql).
CREATE OR REPLACE TRIGGER plan_has_next_version BEFORE UPDATE ON reintegration_plan
    FOR EACH ROW EXECUTE FUNCTION access.record_has_next_version();
CREATE OR REPLACE TRIGGER follow_up_has_next_version BEFORE UPDATE ON reintegration_followup
    FOR EACH ROW WHEN (OLD.done_on IS NOT NULL) EXECUTE FUNCTION access.record_has_next_version();
