-- Totals of a programme over all organisations that lead its cases: counts of cases and one amount, for users who see
-- summaries in the organisation that manages it, or of this programme. Nothing about beneficiaries: not their sex, nor
-- their number, from which a second case of the same beneficiary could be inferred.
GRANT SELECT ON beneficiaries_enrolment TO iom_functions;

CREATE OR REPLACE FUNCTION access.programme_totals(of_project uuid)
    RETURNS TABLE (cases bigint, completed bigint, grants_paid bigint, paid_npr numeric)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM projects_project p
                    WHERE p.id = of_project
                      AND (p.managed_by_id = ANY(access.organisations_with('read_summaries'))
                           OR p.id = ANY(access.projects_with('read_summaries')))) THEN
        RAISE EXCEPTION 'not a programme whose figures you see' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN QUERY
    WITH paid AS (
        SELECT i.grant_id, i.amount_npr
          FROM reintegration_instalment i JOIN reintegration_grant g ON g.id = i.grant_id
         WHERE g.project_id = of_project AND i.state = 'paid'
    )
    SELECT (SELECT count(*) FROM beneficiaries_enrolment n WHERE n.project_id = of_project),
           (SELECT count(*) FROM beneficiaries_enrolment n
             WHERE n.project_id = of_project AND n.status = 'completed'),
           (SELECT count(DISTINCT p.grant_id) FROM paid p),
           (SELECT coalesce(sum(p.amount_npr), 0) FROM paid p);
END $$;
ALTER FUNCTION access.programme_totals(uuid) OWNER TO iom_functions;
REVOKE ALL ON FUNCTION access.programme_totals(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.programme_totals(uuid) TO iom_app;
