"""Access rows at `slice` that were made while they copied as much as a reference did."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("beneficiaries", "0004_transfers")]

    operations = [
        migrations.RunSQL(
            "UPDATE beneficiaries_caseaccess SET reference = '', status = '', district_id = NULL "
            "WHERE level = 'slice'",
            migrations.RunSQL.noop,
        ),
    ]
