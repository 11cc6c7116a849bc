"""Programme managers saw the figures of all that their organisation manages: each of these, from now on, by itself."""

from django.db import migrations

# The kind and the permission are made after all migrations, where they aren't there yet.
NAME_THE_PROGRAMMES = """
    INSERT INTO django_content_type (app_label, model) VALUES ('projects', 'project') ON CONFLICT DO NOTHING;
    INSERT INTO auth_permission (name, content_type_id, codename)
    SELECT 'see case references and figures, without names', c.id, 'read_figures'
      FROM django_content_type c WHERE c.app_label = 'projects' AND c.model = 'project' ON CONFLICT DO NOTHING;
    WITH lost AS (
        DELETE FROM accounts_organisationgrouppermission g USING accounts_role r, auth_permission p
         WHERE r.code = 'programme_manager' AND g.group_id = r.group_id AND g.content_object_id = r.organisation_id
           AND p.id = g.permission_id AND p.codename = 'read_figures'
        RETURNING r.group_id, r.organisation_id
    )
    INSERT INTO projects_projectgrouppermission (group_id, permission_id, content_object_id)
    SELECT l.group_id, p.id, j.id
      FROM lost l
      JOIN projects_project j ON j.managed_by_id = l.organisation_id
      JOIN auth_permission p ON p.codename = 'read_figures'
      JOIN django_content_type c ON c.id = p.content_type_id AND c.app_label = 'projects' AND c.model = 'project'
        ON CONFLICT DO NOTHING;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("contenttypes", "0002_remove_content_type_name"),
        ("projects", "0002_programmes_of_roles"),
    ]

    operations = [migrations.RunSQL(NAME_THE_PROGRAMMES, migrations.RunSQL.noop)]
