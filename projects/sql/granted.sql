-- What each user may do now on single programmes of their organisation: a part of the view access.granted.
SELECT m.user_id, r.organisation_id, j.id AS project_id, p.codename::text AS permission
  FROM accounts_membership m
  JOIN accounts_user u ON u.id = m.user_id AND u.is_active
  JOIN accounts_role r ON r.id = m.role_id
  JOIN accounts_organisation o ON o.id = r.organisation_id AND o.is_active
  JOIN projects_projectgrouppermission g ON g.group_id = r.group_id
  JOIN auth_permission p ON p.id = g.permission_id
  JOIN projects_project j ON j.id = g.content_object_id AND j.managed_by_id = r.organisation_id
 WHERE m.starts_on <= (now() AT TIME ZONE 'Asia/Kathmandu')::date
   AND (m.ends_on IS NULL OR m.ends_on >= (now() AT TIME ZONE 'Asia/Kathmandu')::date)
