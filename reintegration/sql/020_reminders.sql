-- The sweep's one look across organisations: the next reminder that is due, locked for this transaction, with
-- whoever is to be told. No name, no narrative.
GRANT SELECT, UPDATE ON reintegration_reminder TO iom_functions; -- UPDATE for the row lock
GRANT SELECT ON reintegration_followup TO iom_functions;

-- The caseworker while they still work there; else a supervisor there who writes cases, and where there is none the
-- longest-serving person who does.
CREATE OR REPLACE FUNCTION access.whom_to_remind(of_case uuid, today date) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT m.user_id
      FROM beneficiaries_case c
      LEFT JOIN beneficiaries_casefile f ON f.case_id = c.id
      JOIN accounts_role r ON r.organisation_id = c.lead_organisation_id
      JOIN accounts_membership m ON m.role_id = r.id AND m.starts_on <= today
           AND (m.ends_on IS NULL OR m.ends_on >= today)
      JOIN accounts_user u ON u.id = m.user_id AND u.is_active
      JOIN accounts_organisation o ON o.id = r.organisation_id AND o.is_active
      JOIN accounts_organisationgrouppermission g
        ON g.group_id = r.group_id AND g.content_object_id = r.organisation_id
      JOIN auth_permission p ON p.id = g.permission_id AND p.codename = 'write_cases'
     WHERE c.id = of_case
     ORDER BY (m.user_id = f.caseworker_id) DESC, (r.code = 'supervisor') DESC, m.starts_on, m.user_id
     LIMIT 1;
$$;

-- Where nobody works on the case: its lead's other supervisors, who are told as well.
CREATE OR REPLACE FUNCTION access.supervisors_to_remind(of_case uuid, today date) RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT coalesce(array_agg(DISTINCT m.user_id ORDER BY m.user_id), '{}')
      FROM beneficiaries_case c
      JOIN beneficiaries_casefile f ON f.case_id = c.id
      JOIN accounts_role r ON r.organisation_id = c.lead_organisation_id AND r.code = 'supervisor'
      JOIN accounts_membership m ON m.role_id = r.id AND m.starts_on <= today
           AND (m.ends_on IS NULL OR m.ends_on >= today)
      JOIN accounts_user u ON u.id = m.user_id AND u.is_active
     WHERE c.id = of_case AND m.user_id <> access.whom_to_remind(c.id, today)
       AND access.whom_to_remind(c.id, today) <> f.caseworker_id;
$$;

-- The day that a sweep passed, or today where that lies ahead.
CREATE OR REPLACE FUNCTION access.sweep_day(today date) RETURNS date LANGUAGE sql AS $$
    SELECT least(today, (access.sweep_moment(now()) AT TIME ZONE 'Asia/Kathmandu')::date);
$$;

DROP FUNCTION IF EXISTS access.next_due_reminder(date); -- without the other supervisors, until they were told as well
CREATE FUNCTION access.next_due_reminder(today date)
    RETURNS TABLE (reminder_id uuid, reference text, kind text, due_on date, recipient_id uuid, supervisor_ids uuid[])
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT access.sweep_day(today);
    SELECT r.id, c.reference::text, f.kind::text, f.due_on, access.whom_to_remind(c.id, (SELECT access.sweep_day(today))),
           access.supervisors_to_remind(c.id, (SELECT access.sweep_day(today)))
      FROM reintegration_reminder r
      JOIN reintegration_followup f ON f.id = r.follow_up_id
      JOIN beneficiaries_case c ON c.id = r.case_id
     WHERE r.sent_at IS NULL AND r.due_on <= (SELECT access.sweep_day(today)) AND f.done_on IS NULL AND c.status <> 'closed'
       AND access.whom_to_remind(c.id, (SELECT access.sweep_day(today))) IS NOT NULL
     ORDER BY r.due_on, r.id LIMIT 1 FOR UPDATE OF r SKIP LOCKED;
$$;

-- Reminders that are due and have nobody to go to: a figure for the sweep's report, so that none is silent.
CREATE OR REPLACE FUNCTION access.reminders_without_recipient(today date) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT access.sweep_day(today);
    SELECT count(*)
      FROM reintegration_reminder r
      JOIN reintegration_followup f ON f.id = r.follow_up_id
      JOIN beneficiaries_case c ON c.id = r.case_id
     WHERE r.sent_at IS NULL AND r.due_on <= (SELECT access.sweep_day(today)) AND f.done_on IS NULL AND c.status <> 'closed'
       AND access.whom_to_remind(c.id, (SELECT access.sweep_day(today))) IS NULL;
$$;
ALTER FUNCTION access.whom_to_remind(uuid, date) OWNER TO iom_functions;
ALTER FUNCTION access.supervisors_to_remind(uuid, date) OWNER TO iom_functions;
ALTER FUNCTION access.next_due_reminder(date) OWNER TO iom_functions;
ALTER FUNCTION access.reminders_without_recipient(date) OWNER TO iom_functions;
GRANT EXECUTE ON FUNCTION access.next_due_reminder(date), access.reminders_without_recipient(date) TO iom_app;
