-- What a programme came to, over all organisations that lead its cases: counts and one amount, for those who see
-- figures in the organisation that manages it, or follow this programme. A person is counted once, however many
-- cases of theirs are in it; one who said no to being counted, or took it back, is in no count of people.
GRANT SELECT ON beneficiaries_enrolment, beneficiaries_beneficiary TO iom_functions;

CREATE OR REPLACE FUNCTION wall.programme_figures(of_project uuid)
    RETURNS TABLE (cases bigint, completed bigint, people bigint, women bigint, men bigint, grants_paid bigint,
                   paid_npr numeric)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM projects_project p
                    WHERE p.id = of_project
                      AND (p.managed_by_id = ANY(wall.figures()) OR p.id = ANY(wall.programmes()))) THEN
        RAISE EXCEPTION 'not a programme whose figures you see' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN QUERY
    WITH admitted AS (
        SELECT n.status, c.id AS case_id, b.id AS person_id, b.sex
          FROM beneficiaries_enrolment n
          JOIN beneficiaries_case c ON c.id = n.case_id
          JOIN beneficiaries_beneficiary b ON b.id = c.beneficiary_id
         WHERE n.project_id = of_project
    ), counted AS (
        SELECT DISTINCT a.person_id, a.sex FROM admitted a
         WHERE NOT EXISTS (SELECT 1 FROM beneficiaries_consent k
                            WHERE k.case_id = a.case_id AND k.purpose = 'reporting'
                              AND (NOT k.is_given OR k.withdrawn_on IS NOT NULL)
                              AND NOT EXISTS (SELECT 1 FROM beneficiaries_consent l
                                               WHERE l.case_id = k.case_id AND l.purpose = 'reporting'
                                                 AND l.is_given AND l.withdrawn_on IS NULL))
    ), paid AS (
        SELECT i.grant_id, i.amount_npr
          FROM reintegration_instalment i JOIN reintegration_grant g ON g.id = i.grant_id
         WHERE g.project_id = of_project AND i.state = 'paid'
    )
    SELECT (SELECT count(*) FROM admitted),
           (SELECT count(*) FROM admitted a WHERE a.status = 'completed'),
           (SELECT count(*) FROM counted),
           (SELECT count(*) FROM counted k WHERE k.sex = 'female'),
           (SELECT count(*) FROM counted k WHERE k.sex = 'male'),
           (SELECT count(DISTINCT p.grant_id) FROM paid p),
           (SELECT coalesce(sum(p.amount_npr), 0) FROM paid p);
END $$;
ALTER FUNCTION wall.programme_figures(uuid) OWNER TO iom_functions;
REVOKE ALL ON FUNCTION wall.programme_figures(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wall.programme_figures(uuid) TO iom_app;
