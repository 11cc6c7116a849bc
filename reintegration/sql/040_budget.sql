-- Return what is left of a programme's budget lines that pay grants: neither spent nor promised to approved grants. For
-- users who see its summaries, and for those who work on a case in it.
GRANT SELECT ON beneficiaries_enrolment, beneficiaries_caseaccess TO iom_functions;

CREATE OR REPLACE FUNCTION access.left_for_grants(of_project uuid) RETURNS TABLE (line uuid, left_npr numeric)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM projects_project p
                    WHERE p.id = of_project
                      AND (p.managed_by_id = ANY(access.organisations_with('read_summaries'))
                           OR p.id = ANY(access.projects_with('read_summaries'))))
       AND NOT EXISTS (SELECT 1 FROM beneficiaries_enrolment n
                         JOIN beneficiaries_caseaccess a ON a.case_id = n.case_id
                        WHERE n.project_id = of_project AND a.level IN ('lead', 'working')
                          AND a.organisation_id = ANY(access.organisations_with('read_cases'))
                          AND (a.user_id IS NULL OR a.user_id = access.user_id())
                          AND (a.expires_at IS NULL OR a.expires_at > now())) THEN
        RAISE EXCEPTION 'not a programme whose budget you see' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN QUERY
    SELECT b.id, b.amount_npr
           - (SELECT coalesce(sum(e.amount_npr), 0) FROM projects_ledgerentry e WHERE e.budget_line_id = b.id)
           - (SELECT coalesce(sum(g.amount_npr - (SELECT coalesce(sum(i.amount_npr), 0)
                                                    FROM reintegration_instalment i
                                                   WHERE i.grant_id = g.id AND i.state = 'paid')), 0)
                FROM reintegration_grant g WHERE g.budget_line_id = b.id AND g.state = 'approved')
      FROM projects_budgetline b
     WHERE b.project_id = of_project AND b.pays_grants;
END $$;
ALTER FUNCTION access.left_for_grants(uuid) OWNER TO iom_functions;
REVOKE ALL ON FUNCTION access.left_for_grants(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.left_for_grants(uuid) TO iom_app;
