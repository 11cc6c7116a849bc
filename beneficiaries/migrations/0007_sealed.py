from django.db import migrations, models
from psycopg2.extras import execute_values

from core.phone import phone_index
from core.sealing import SealedJSONField, SealedTextField
from core.sealing_migration import sealing


def _index_phones(apps, schema_editor):
    """While numbers are still in clear."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT id, phone FROM beneficiaries_beneficiary WHERE phone <> ''")
        found = [(key, phone_index(phone)) for key, phone in cursor.fetchall()]
        for start in range(0, len(found), 5000):
            execute_values(
                cursor.cursor,
                "UPDATE beneficiaries_beneficiary b SET phone_index = v.found "
                "FROM (VALUES %s) AS v(id, found) WHERE b.id = v.id",
                found[start : start + 5000],
            )


class Migration(migrations.Migration):
    """What people told, and how they are reached, is sealed with their own keys."""

    dependencies = [("beneficiaries", "0006_access_programmes"), ("core", "0002_audit_chain")]

    operations = [
        migrations.RemoveConstraint("consent", "beneficiaries_consent_best_interests_has_reason"),
        migrations.RemoveConstraint("emergencyopening", "beneficiaries_emergency_has_reason"),
        migrations.RemoveConstraint("assessment", "beneficiaries_assessment_override_has_reason"),
        migrations.AddField("beneficiary", "phone_index", models.BinaryField(null=True)),
        migrations.RunPython(_index_phones, migrations.RunPython.noop),
        *sealing(
            "beneficiaries",
            "beneficiary",
            "id",
            {
                "phone": SealedTextField(blank=True, max_length=40, verbose_name="telephone"),
                "safe_contact": SealedTextField(
                    blank=True, max_length=1000, verbose_name="how it is safe to reach them"
                ),
            },
        ),
        *sealing(
            "beneficiaries",
            "intakedraft",
            "id",
            {"consent": SealedJSONField(default=dict), "person": SealedJSONField(default=dict)},
        ),
        *sealing(
            "beneficiaries",
            "casefile",
            "case_id",
            {
                "narrative": SealedTextField(
                    blank=True, max_length=10000, verbose_name="what happened, in the person's words"
                ),
                "needs": SealedTextField(
                    blank=True, max_length=5000, verbose_name="what the person asks for"
                ),
                "htcds": SealedJSONField(blank=True, default=dict, verbose_name="other HTCDS fields"),
            },
        ),
        *sealing(
            "beneficiaries",
            "consent",
            "case_id",
            {
                "reason": SealedTextField(
                    blank=True, max_length=1000, verbose_name="why nobody could be asked"
                )
            },
        ),
        *sealing(
            "beneficiaries",
            "emergencyopening",
            "id",
            {"reason": SealedTextField(max_length=2000, verbose_name="why")},
        ),
        *sealing(
            "beneficiaries",
            "assessment",
            "case_id",
            {"reason": SealedTextField(blank=True, max_length=2000, verbose_name="why")},
        ),
        *sealing(
            "beneficiaries",
            "casenote",
            "case_id",
            {"text": SealedTextField(max_length=10000, verbose_name="text")},
        ),
        *sealing(
            "beneficiaries",
            "referral",
            "case_id",
            {
                "reason": SealedTextField(max_length=2000, verbose_name="why"),
                "answer": SealedTextField(blank=True, max_length=2000, verbose_name="answer"),
            },
        ),
        *sealing("beneficiaries", "shareditem", "case_id", {"value": SealedTextField(max_length=10000)}),
        *sealing(
            "beneficiaries",
            "casetransfer",
            "case_id",
            {
                "reason": SealedTextField(max_length=2000, verbose_name="why"),
                "answer": SealedTextField(blank=True, max_length=2000, verbose_name="answer"),
            },
        ),
        migrations.AddIndex(
            "beneficiary",
            models.Index(
                condition=~models.Q(phone_index=None), fields=["phone_index"], name="beneficiaries_by_phone"
            ),
        ),
        migrations.AddConstraint(
            "assessment",
            models.CheckConstraint(
                condition=models.Q(outcome="yes") | ~models.Q(decision="admitted") | ~models.Q(reason=""),
                name="beneficiaries_assessment_override_has_reason",
            ),
        ),
        migrations.AddConstraint(
            "consent",
            models.CheckConstraint(
                condition=~models.Q(given_by="best_interests") | ~models.Q(reason=""),
                name="beneficiaries_consent_best_interests_has_reason",
            ),
        ),
        migrations.AddConstraint(
            "emergencyopening",
            models.CheckConstraint(condition=~models.Q(reason=""), name="beneficiaries_emergency_has_reason"),
        ),
    ]
