from django.db import migrations, models

COVERED = ["id", "level", "person", "expires_at"]


class Migration(migrations.Migration):
    dependencies = [("beneficiaries", "0002_notes_referrals_emergencies")]

    operations = [
        migrations.RemoveIndex(model_name="caseaccess", name="access_by_status"),
        migrations.RemoveIndex(model_name="caseaccess", name="access_by_change"),
        migrations.AddIndex(
            model_name="caseaccess",
            index=models.Index(
                fields=["organisation", "status", "-changed_on", "case"],
                include=COVERED,
                name="access_by_status",
            ),
        ),
        migrations.AddIndex(
            model_name="caseaccess",
            index=models.Index(
                fields=["organisation", "-changed_on", "case"], include=COVERED, name="access_by_change"
            ),
        ),
    ]
