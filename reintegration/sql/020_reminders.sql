-- Due reminders of all organisations, for the background task: no name, no narrative.
GRANT SELECT, UPDATE ON reintegration_reminder TO iom_functions; -- UPDATE for the row lock
GRANT SELECT ON reintegration_followup TO iom_functions;

-- Return the caseworker while they may write cases there; else a supervisor there who may, or else the user who may and
-- has been there longest.
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

-- Return the lead's other supervisors, who are reminded too where the caseworker may no longer write cases there.
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

-- Return the day that the background task passed, or today where it is in the future.
CREATE OR REPLACE FUNCTION access.sweep_day(today date) RETURNS date LANGUAGE sql AS $$
    SELECT least(today, (access.sweep_moment(now()) AT TIME ZONE 'Asia/Kathmandu')::date);
$$;

-- Return the next due reminder that isn't one of `failed`, locked for this transaction, with its recipient.
CREATE OR REPLACE FUNCTION access.next_due_reminder(today date, failed uuid[])
    RETURNS TABLE (reminder_id uuid, reference text, kind text, due_on date, recipient_id uuid, supervisor_ids uuid[])
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT access.sweep_day(today);
    SELECT r.id, c.reference::text, f.kind::text, f.due_on, access.whom_to_remind(c.id, (SELECT access.sweep_day(today))),
           access.supervisors_to_remind(c.id, (SELECT access.sweep_day(today)))
      FROM reintegration_reminder r
      JOIN reintegration_followup f ON f.id = r.follow_up_id
      JOIN beneficiaries_case c ON c.id = r.case_id
     WHERE r.sent_at IS NULL AND r.due_on <= (SELECT access.sweep_day(today)) AND f.done_on IS NULL AND c.status <> 'closed'
       AND r.id <> ALL (failed)
       AND access.whom_to_remind(c.id, (SELECT access.sweep_day(today))) IS NOT NULL
     ORDER BY r.due_on, r.id LIMIT 1 FOR UPDATE OF r SKIP LOCKED;
$$;

-- Count due reminders without a recipient, for the report of the background task.
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
ALTER FUNCTION access.next_due_reminder(date, uuid[]) OWNER TO iom_functions;
ALTER FUNCTION access.reminders_without_recipient(date) OWNER TO iom_functions;
GRANT EXECUTE ON FUNCTION access.next_due_reminder(date, uuid[]), access.reminders_without_recipient(date) TO iom_app;
