-- Open one case in an emergency: by a user whose role in an IOM office allows it, with a reason, for an hour, for that
-- user alone. `why` is encrypted. Returns the id of the case, or NULL where no case has this reference.
GRANT INSERT ON beneficiaries_emergencyopening TO iom_functions;


CREATE OR REPLACE FUNCTION access.break_glass(typed_reference text, opening uuid, why bytea) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE office uuid; opened beneficiaries_case;
BEGIN
    SELECT r.organisation_id INTO office
      FROM accounts_membership m
      JOIN accounts_user u ON u.id = m.user_id AND u.is_active
      JOIN accounts_role r ON r.id = m.role_id
      JOIN accounts_organisation o ON o.id = r.organisation_id AND o.is_active AND o.kind = 'iom'
      JOIN accounts_organisationgrouppermission g
        ON g.group_id = r.group_id AND g.content_object_id = r.organisation_id
      JOIN auth_permission p ON p.id = g.permission_id AND p.codename = 'break_glass'
     WHERE m.user_id = access.user_id() AND m.starts_on <= (now() AT TIME ZONE 'Asia/Kathmandu')::date
       AND (m.ends_on IS NULL OR m.ends_on >= (now() AT TIME ZONE 'Asia/Kathmandu')::date)
     LIMIT 1;
    IF office IS NULL THEN
        RAISE EXCEPTION 'not a protection supervisor' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF octet_length(why) < 45 + 20 THEN -- 45 bytes of encryption, and a sentence
        RAISE EXCEPTION 'the reason is too short' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'beneficiaries_emergency_has_reason';
    END IF;
    SELECT * INTO opened FROM beneficiaries_case WHERE reference = typed_reference;
    IF opened.id IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO beneficiaries_emergencyopening (id, case_id, user_id, organisation_id, reason, opened_at, until)
    VALUES (opening, opened.id, access.user_id(), office, why, now(), now() + interval '60 minutes');
    INSERT INTO beneficiaries_caseaccess
           (id, case_id, organisation_id, level, basis, expires_at, user_id, reference, status,
            lead_organisation_id, changed_on, risk, programmes)
    VALUES (gen_random_uuid(), opened.id, office, 'working', 'emergency', now() + interval '60 minutes',
            access.user_id(), opened.reference, opened.status, opened.lead_organisation_id, opened.changed_on, '', '{}')
    ON CONFLICT ON CONSTRAINT beneficiaries_access_once DO UPDATE SET expires_at = excluded.expires_at;
    PERFORM access.refresh_access(opened.id);
    RETURN opened.id;
END $$;
ALTER FUNCTION access.break_glass(text, uuid, bytea) OWNER TO iom_functions;
GRANT EXECUTE ON FUNCTION access.break_glass(text, uuid, bytea) TO iom_app;
