"""Access rows say which programmes of the case their organisation manages."""

import django.contrib.postgres.fields
from django.db import migrations, models

COVERED = ["id", "level", "person", "expires_at", "programmes"]
INDEXES = {
    "access_by_status": ["organisation", "status", "-changed_on", "case"],
    "access_by_change": ["organisation", "-changed_on", "case"],
}

FILL = """
    UPDATE beneficiaries_caseaccess a SET programmes = m.programmes
      FROM (SELECT n.case_id, p.managed_by_id, array_agg(p.id ORDER BY p.id) AS programmes
              FROM beneficiaries_enrolment n JOIN projects_project p ON p.id = n.project_id
             GROUP BY n.case_id, p.managed_by_id) m
     WHERE m.case_id = a.case_id AND m.managed_by_id = a.organisation_id AND a.level <> 'slice'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("beneficiaries", "0005_slices_copy_nothing"),
        ("projects", "0003_programme_managers"),
    ]

    operations = [
        *(migrations.RemoveIndex(model_name="caseaccess", name=name) for name in INDEXES),
        migrations.AddField(
            model_name="caseaccess",
            name="programmes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.UUIDField(), default=list, size=None
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="caseaccess",
            constraint=models.CheckConstraint(
                condition=models.Q(("level", "slice"), _negated=True) | models.Q(("programmes", [])),
                name="beneficiaries_access_slice_tells_no_programme",
            ),
        ),
        *(
            migrations.AddIndex(
                model_name="caseaccess", index=models.Index(fields=fields, include=COVERED, name=name)
            )
            for name, fields in INDEXES.items()
        ),
    ]
