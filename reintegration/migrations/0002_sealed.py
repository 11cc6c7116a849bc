from django.db import migrations

from core.sealing import SealedTextField
from core.sealing_migration import sealing


class Migration(migrations.Migration):
    """What people told, and how they are reached, is sealed with their own keys."""

    dependencies = [("reintegration", "0001_initial"), ("core", "0002_audit_chain")]

    operations = [
        *sealing(
            "reintegration",
            "plan",
            "case_id",
            {
                "goal": SealedTextField(max_length=3000, verbose_name="what the person wants to reach"),
                "steps": SealedTextField(blank=True, max_length=5000, verbose_name="steps agreed"),
            },
        ),
        *sealing(
            "reintegration",
            "followup",
            "case_id",
            {"note": SealedTextField(blank=True, max_length=5000, verbose_name="what was seen and agreed")},
        ),
    ]
