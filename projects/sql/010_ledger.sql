-- A budget line can't be overspent. It is locked, so that of two payments at once the second sees the first.
GRANT SELECT ON projects_ledgerentry TO iom_functions;
GRANT SELECT, UPDATE ON projects_budgetline TO iom_functions; -- UPDATE for the row lock

CREATE OR REPLACE FUNCTION access.ledger_within_line() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE available numeric;
BEGIN
    SELECT amount_npr INTO available FROM projects_budgetline WHERE id = NEW.budget_line_id FOR UPDATE;
    IF NEW.amount_npr + (SELECT coalesce(sum(amount_npr), 0) FROM projects_ledgerentry
                          WHERE budget_line_id = NEW.budget_line_id) > available THEN
        RAISE EXCEPTION 'the budget line has not enough left' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'projects_ledger_within_line';
    END IF;
    RETURN NEW;
END $$;
ALTER FUNCTION access.ledger_within_line() OWNER TO iom_functions;
CREATE OR REPLACE TRIGGER ledger_within_line BEFORE INSERT ON projects_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION access.ledger_within_line();

-- A budget line can't be lowered below what was spent from it.
CREATE OR REPLACE FUNCTION access.line_covers_spending() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF NEW.amount_npr < (SELECT coalesce(sum(amount_npr), 0) FROM projects_ledgerentry WHERE budget_line_id = NEW.id)
    THEN
        RAISE EXCEPTION 'more was spent from this budget line already' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'projects_line_covers_spending';
    END IF;
    RETURN NEW;
END $$;
ALTER FUNCTION access.line_covers_spending() OWNER TO iom_functions;
CREATE OR REPLACE TRIGGER line_covers_spending BEFORE UPDATE OF amount_npr ON projects_budgetline
    FOR EACH ROW EXECUTE FUNCTION access.line_covers_spending();
