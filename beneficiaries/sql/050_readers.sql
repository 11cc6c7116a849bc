-- Who read a case on which day, for those who work on it. Reading an offer or a referral of it counts too.
CREATE OR REPLACE FUNCTION access.readers_of_case(of_case uuid)
    RETURNS TABLE (on_day date, user_id uuid, times bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT (e.at AT TIME ZONE 'Asia/Kathmandu')::date, e.actor_id, count(*)
      FROM core_auditevent e
     WHERE e.case_id = of_case AND e.actor_id IS NOT NULL
       AND e.verb IN ('case file read', 'row read', 'referral read', 'offer read', 'document read')
       AND EXISTS (SELECT 1 FROM beneficiaries_caseaccess a
                    WHERE a.case_id = of_case AND a.organisation_id = ANY(access.organisations_with('read_cases'))
                      AND a.level IN ('lead', 'working')
                      AND (a.user_id IS NULL OR a.user_id = access.user_id())
                      AND (a.expires_at IS NULL OR a.expires_at > now()))
     GROUP BY 1, 2 ORDER BY 1 DESC, 3 DESC, 2 LIMIT 200;
$$;
ALTER FUNCTION access.readers_of_case(uuid) OWNER TO iom_functions;
GRANT EXECUTE ON FUNCTION access.readers_of_case(uuid) TO iom_app;

-- Unusual reading, for the background task: user, organisation, kind and number of cases; no case and no name.
-- `many`: read within an hour; `night`: read at night; `name`: of beneficiaries with the reader's own family name and
-- another caseworker. Thresholds lower than those of beneficiaries/rules.py have no effect.
CREATE OR REPLACE FUNCTION access.unusual_reading(at timestamptz, many integer, at_night integer, of_name integer)
    RETURNS TABLE (user_id uuid, organisation uuid, kind text, cases bigint)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT access.sweep_moment(at);
    WITH read AS (
        SELECT DISTINCT e.actor_id, e.case_id,
               extract(hour FROM e.at AT TIME ZONE 'Asia/Kathmandu') AS hour
          FROM core_auditevent e
         WHERE e.at > unusual_reading.at - interval '1 hour' AND e.at <= unusual_reading.at
           AND e.case_id IS NOT NULL AND e.actor_id IS NOT NULL AND e.verb IN ('case file read', 'row read')
    ), found AS (
        SELECT r.actor_id, 'many' AS kind, count(DISTINCT r.case_id) AS cases FROM read r
         GROUP BY 1 HAVING count(DISTINCT r.case_id) >= greatest(many, 40)
        UNION ALL
        SELECT r.actor_id, 'night', count(DISTINCT r.case_id) FROM read r
         WHERE r.hour >= 22 OR r.hour < 5
         GROUP BY 1 HAVING count(DISTINCT r.case_id) >= greatest(at_night, 5)
        UNION ALL
        SELECT r.actor_id, 'name', count(DISTINCT r.case_id)
          FROM read r
          JOIN accounts_user u ON u.id = r.actor_id AND u.last_name <> ''
          JOIN beneficiaries_case c ON c.id = r.case_id
          JOIN beneficiaries_beneficiary b ON b.id = c.beneficiary_id
               AND lower(b.second_name) = lower(u.last_name)
          LEFT JOIN beneficiaries_casefile f ON f.case_id = c.id
         WHERE f.caseworker_id IS DISTINCT FROM r.actor_id
         GROUP BY 1 HAVING count(DISTINCT r.case_id) >= greatest(of_name, 3)
    )
    SELECT DISTINCT f.actor_id, role.organisation_id, f.kind, f.cases
      FROM found f
      JOIN accounts_membership m ON m.user_id = f.actor_id
           AND m.starts_on <= (unusual_reading.at AT TIME ZONE 'Asia/Kathmandu')::date
           AND (m.ends_on IS NULL OR m.ends_on >= (unusual_reading.at AT TIME ZONE 'Asia/Kathmandu')::date)
      JOIN accounts_role role ON role.id = m.role_id;
$$;
ALTER FUNCTION access.unusual_reading(timestamptz, integer, integer, integer) OWNER TO iom_functions;
GRANT EXECUTE ON FUNCTION access.unusual_reading(timestamptz, integer, integer, integer) TO iom_app;
