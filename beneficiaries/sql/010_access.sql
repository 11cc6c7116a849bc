-- Which organisations have access to a case. Triggers write the rows: the application can only read them.
-- All functions here run as iom_functions, which sees all organisations, and return nothing to their caller.
GRANT SELECT, INSERT, UPDATE, DELETE ON beneficiaries_caseaccess TO iom_functions;
GRANT SELECT ON beneficiaries_casefile, beneficiaries_consent, beneficiaries_enrolment, beneficiaries_referral,
    projects_project TO iom_functions;
GRANT SELECT, UPDATE ON beneficiaries_case TO iom_functions; -- UPDATE for the row lock in settle_access
GRANT UPDATE ON projects_project TO iom_functions; -- for the row lock in enrolment_in_period
GRANT SELECT ON projects_ledgerentry, projects_budgetline TO iom_functions;

-- Update the copies that lists sort and filter by, in rows where one differs. A `referral` row copies nothing: its
-- organisation reads what was sent to it, not how the case goes on (its `changed_on` is the day it was added).
-- `programmes` are those of the case that the row's organisation manages: users with access to a single programme need
-- them.
CREATE OR REPLACE FUNCTION access.refresh_access(of_case uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH now_is AS (
        SELECT a.id, c.lead_organisation_id,
               CASE WHEN a.level = 'referral' THEN '' ELSE c.reference END AS reference,
               CASE WHEN a.level = 'referral' THEN '' ELSE c.status END AS status,
               CASE WHEN a.level IN ('lead', 'working') THEN f.current_district_id END AS district_id,
               CASE WHEN a.level = 'referral' THEN a.changed_on ELSE c.changed_on END AS changed_on,
               CASE WHEN a.level IN ('lead', 'working') THEN coalesce(f.risk, '') ELSE '' END AS risk,
               CASE WHEN a.level IN ('lead', 'working') THEN f.caseworker_id END AS caseworker_id,
               coalesce(m.programmes, '{}') AS programmes
          FROM beneficiaries_caseaccess a
          JOIN beneficiaries_case c ON c.id = a.case_id
          LEFT JOIN beneficiaries_casefile f ON f.case_id = c.id
          LEFT JOIN (SELECT n.case_id, p.managed_by_id, array_agg(p.id ORDER BY p.id) AS programmes
                       FROM beneficiaries_enrolment n JOIN projects_project p ON p.id = n.project_id
                      GROUP BY n.case_id, p.managed_by_id) m
            ON m.case_id = a.case_id AND m.managed_by_id = a.organisation_id AND a.level <> 'referral'
         WHERE a.case_id = of_case
    )
    UPDATE beneficiaries_caseaccess a
       SET reference = n.reference, status = n.status, district_id = n.district_id,
           lead_organisation_id = n.lead_organisation_id, changed_on = n.changed_on, risk = n.risk,
           caseworker_id = n.caseworker_id, programmes = n.programmes
      FROM now_is n
     WHERE n.id = a.id
       AND (a.reference, a.status, a.district_id, a.lead_organisation_id, a.changed_on, a.risk, a.caseworker_id,
            a.programmes)
           IS DISTINCT FROM
           (n.reference, n.status, n.district_id, n.lead_organisation_id, n.changed_on, n.risk, n.caseworker_id,
            n.programmes);
$$;

-- The access rows that a case should have, apart from the lead's: `working` by consent to share, `referral` by a
-- running referral with consent to it, `summary` by managing a programme that the case is in. `working` includes the
-- others.
CREATE OR REPLACE FUNCTION access.expected_access(of_case uuid)
    RETURNS TABLE (organisation_id uuid, level text, basis text, expires_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH agreed AS (
        SELECT c.organisation_id, c.purpose,
               (c.until_on + 1)::timestamp AT TIME ZONE 'Asia/Kathmandu' AS expires_at
          FROM beneficiaries_consent c
         WHERE c.case_id = of_case AND c.is_given AND c.withdrawn_on IS NULL
    ), granted AS (
        SELECT a.organisation_id, 'working' AS level, 'consent' AS basis, a.expires_at
          FROM agreed a WHERE a.purpose = 'sharing'
        UNION ALL
        SELECT r.receiver_id, 'referral', 'referral', a.expires_at
          FROM beneficiaries_referral r
          JOIN agreed a ON a.organisation_id = r.receiver_id AND a.purpose = 'referral'
         WHERE r.case_id = of_case AND r.state IN ('sent', 'accepted')
        UNION ALL
        SELECT DISTINCT p.managed_by_id, 'summary', 'programme', NULL::timestamptz
          FROM beneficiaries_enrolment n JOIN projects_project p ON p.id = n.project_id
         WHERE n.case_id = of_case
    )
    SELECT e.organisation_id, e.level, e.basis, e.expires_at
      FROM granted e
     WHERE e.organisation_id <> (SELECT lead_organisation_id FROM beneficiaries_case WHERE id = of_case)
       AND (e.level = 'working' OR NOT EXISTS (
            SELECT 1 FROM granted w WHERE w.organisation_id = e.organisation_id AND w.level = 'working'));
$$;

-- Make the access rows of a case what they should be.
CREATE OR REPLACE FUNCTION access.settle_access(of_case uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    -- One transaction at a time for a case: two at once would each see only half of the changes.
    PERFORM 1 FROM beneficiaries_case WHERE id = of_case FOR NO KEY UPDATE;
    DELETE FROM beneficiaries_caseaccess a
     WHERE a.case_id = of_case AND a.basis IN ('consent', 'programme', 'referral')
       AND (a.organisation_id, a.level) NOT IN
           (SELECT e.organisation_id, e.level FROM access.expected_access(of_case) e);
    INSERT INTO beneficiaries_caseaccess AS a
           (id, case_id, organisation_id, level, basis, expires_at, reference, status, lead_organisation_id,
            changed_on, risk, programmes)
    SELECT gen_random_uuid(), of_case, e.organisation_id, e.level, e.basis, e.expires_at, '', '',
           c.lead_organisation_id, (now() AT TIME ZONE 'Asia/Kathmandu')::date, '', '{}'
      FROM access.expected_access(of_case) e JOIN beneficiaries_case c ON c.id = of_case
    ON CONFLICT ON CONSTRAINT beneficiaries_access_once DO UPDATE
       SET basis = excluded.basis, expires_at = excluded.expires_at
     WHERE (a.basis, a.expires_at) IS DISTINCT FROM (excluded.basis, excluded.expires_at);
    PERFORM access.refresh_access(of_case);
END $$;

-- A new case: add the row of its lead organisation. Only this and transfer_case (040_transfer.sql) add a `lead` row.
CREATE OR REPLACE FUNCTION access.case_opened() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO beneficiaries_caseaccess
           (id, case_id, organisation_id, level, basis, reference, status, lead_organisation_id, changed_on, risk,
            programmes)
    VALUES (gen_random_uuid(), NEW.id, NEW.lead_organisation_id, 'lead', 'lead', NEW.reference, NEW.status,
            NEW.lead_organisation_id, NEW.changed_on, '', '{}');
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION access.case_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM access.refresh_access(NEW.id);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION access.file_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM access.refresh_access(NEW.case_id);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION access.access_basis_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM access.settle_access(NEW.case_id);
    RETURN NULL;
END $$;

-- A programme has another manager: the new one gets access to its cases, and the former one loses it.
CREATE OR REPLACE FUNCTION access.manager_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM access.settle_access(n.case_id)
       FROM (SELECT case_id FROM beneficiaries_enrolment WHERE project_id = NEW.id ORDER BY case_id) n;
    RETURN NULL;
END $$;

-- A programme with enrolments or ledger entries keeps the organisation that manages it, which sees its aggregates and
-- decides on its grants. Another manager needs a new programme for the next phase.
CREATE OR REPLACE FUNCTION access.programme_stays() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF session_user = 'iom_app'
       AND (TG_OP = 'DELETE' OR (NEW.id, NEW.managed_by_id) IS DISTINCT FROM (OLD.id, OLD.managed_by_id))
       AND (EXISTS (SELECT 1 FROM beneficiaries_enrolment n WHERE n.project_id = OLD.id)
            OR EXISTS (SELECT 1 FROM projects_ledgerentry e JOIN projects_budgetline b ON b.id = e.budget_line_id
                        WHERE b.project_id = OLD.id)) THEN
        RAISE EXCEPTION 'a programme that began keeps who manages it' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'projects_project_stays';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;

-- The identity of a case can't change, neither by mistake nor by somebody who works on it. Only a transfer
-- (040_transfer.sql) changes the lead and, with it, the beneficiary's row.
CREATE OR REPLACE FUNCTION access.case_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.reference) IS DISTINCT FROM (OLD.id, OLD.reference)
       OR ((NEW.beneficiary_id, NEW.lead_organisation_id) IS DISTINCT FROM
           (OLD.beneficiary_id, OLD.lead_organisation_id) AND current_user <> 'iom_functions') THEN
        RAISE EXCEPTION 'a case keeps its reference, its person and its lead' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_case_stays';
    END IF;
    RETURN NEW;
END $$;

-- An enrolment lies inside the programme's period. The lock keeps period and manager from changing meanwhile.
CREATE OR REPLACE FUNCTION access.enrolment_in_period() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM 1 FROM projects_project p WHERE p.id = NEW.project_id FOR SHARE;
    IF NOT EXISTS (SELECT 1 FROM projects_project p WHERE p.id = NEW.project_id
                      AND NEW.enrolled_on BETWEEN p.starts_on AND p.ends_on) THEN
        RAISE EXCEPTION 'admission lies outside the period of the programme' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_enrolment_in_period';
    END IF;
    RETURN NEW;
END $$;

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['refresh_access(uuid)', 'expected_access(uuid)', 'settle_access(uuid)',
            'case_opened()', 'case_changed()', 'file_changed()', 'access_basis_changed()', 'manager_changed()',
            'programme_stays()', 'enrolment_in_period()']
    LOOP
        EXECUTE format('ALTER FUNCTION access.%s OWNER TO iom_functions', name);
    END LOOP;
END $$;

CREATE OR REPLACE TRIGGER case_opened AFTER INSERT ON beneficiaries_case
    FOR EACH ROW EXECUTE FUNCTION access.case_opened();
CREATE OR REPLACE TRIGGER case_changed AFTER UPDATE ON beneficiaries_case
    FOR EACH ROW EXECUTE FUNCTION access.case_changed();
CREATE OR REPLACE TRIGGER case_stays BEFORE UPDATE ON beneficiaries_case
    FOR EACH ROW EXECUTE FUNCTION access.case_stays();
CREATE OR REPLACE TRIGGER file_changed AFTER INSERT OR UPDATE ON beneficiaries_casefile
    FOR EACH ROW EXECUTE FUNCTION access.file_changed();
CREATE OR REPLACE TRIGGER consent_changed AFTER INSERT OR UPDATE ON beneficiaries_consent
    FOR EACH ROW WHEN (NEW.purpose IN ('sharing', 'referral')) EXECUTE FUNCTION access.access_basis_changed();
CREATE OR REPLACE TRIGGER referral_changed AFTER INSERT OR UPDATE ON beneficiaries_referral
    FOR EACH ROW EXECUTE FUNCTION access.access_basis_changed();
CREATE OR REPLACE TRIGGER enrolment_changed AFTER INSERT OR UPDATE ON beneficiaries_enrolment
    FOR EACH ROW EXECUTE FUNCTION access.access_basis_changed();
CREATE OR REPLACE TRIGGER manager_changed AFTER UPDATE ON projects_project
    FOR EACH ROW WHEN (NEW.managed_by_id <> OLD.managed_by_id) EXECUTE FUNCTION access.manager_changed();
CREATE OR REPLACE TRIGGER programme_stays BEFORE UPDATE OR DELETE ON projects_project
    FOR EACH ROW EXECUTE FUNCTION access.programme_stays();
CREATE OR REPLACE TRIGGER enrolment_in_period BEFORE INSERT OR UPDATE OF enrolled_on, project_id
    ON beneficiaries_enrolment FOR EACH ROW EXECUTE FUNCTION access.enrolment_in_period();

-- Count access rows, and those whose copies differ from their case.
CREATE OR REPLACE FUNCTION access.access_drift() RETURNS TABLE (checked bigint, drifted bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT count(*), count(*) FILTER (WHERE
           (a.reference, a.status, a.district_id, a.lead_organisation_id, a.changed_on, a.risk, a.caseworker_id,
            a.programmes)
           IS DISTINCT FROM
           (CASE WHEN a.level = 'referral' THEN '' ELSE c.reference END,
            CASE WHEN a.level = 'referral' THEN '' ELSE c.status END,
            CASE WHEN a.level IN ('lead', 'working') THEN f.current_district_id END, c.lead_organisation_id,
            CASE WHEN a.level = 'referral' THEN a.changed_on ELSE c.changed_on END,
            CASE WHEN a.level IN ('lead', 'working') THEN coalesce(f.risk, '') ELSE '' END,
            CASE WHEN a.level IN ('lead', 'working') THEN f.caseworker_id END,
            coalesce(m.programmes, '{}')))
      FROM beneficiaries_caseaccess a
      JOIN beneficiaries_case c ON c.id = a.case_id
      LEFT JOIN beneficiaries_casefile f ON f.case_id = c.id
      LEFT JOIN (SELECT n.case_id, p.managed_by_id, array_agg(p.id ORDER BY p.id) AS programmes
                   FROM beneficiaries_enrolment n JOIN projects_project p ON p.id = n.project_id
                  GROUP BY n.case_id, p.managed_by_id) m
        ON m.case_id = a.case_id AND m.managed_by_id = a.organisation_id AND a.level <> 'referral';
$$;
ALTER FUNCTION access.access_drift() OWNER TO iom_functions;
GRANT EXECUTE ON FUNCTION access.access_drift() TO iom_app;
