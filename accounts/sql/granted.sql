-- What each user may do now, in their whole organisations: a part of the view access.granted (core/catalogue.py).
SELECT m.user_id, r.organisation_id, NULL::uuid AS project_id, p.codename::text AS permission
  FROM accounts_membership m
  JOIN accounts_user u ON u.id = m.user_id AND u.is_active
  JOIN accounts_role r ON r.id = m.role_id
  JOIN accounts_organisation o ON o.id = r.organisation_id AND o.is_active
  JOIN accounts_organisationgrouppermission g
    ON g.group_id = r.group_id AND g.content_object_id = r.organisation_id
  JOIN auth_permission p ON p.id = g.permission_id
 WHERE m.starts_on <= (now() AT TIME ZONE 'Asia/Kathmandu')::date
   AND (m.ends_on IS NULL OR m.ends_on >= (now() AT TIME ZONE 'Asia/Kathmandu')::date)
