from datetime import timedelta

import core.sealing
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.utils import timezone


def _in_14_days():
    """Interviews that are unfinished when this runs get as long as new ones."""
    return timezone.localdate() + timedelta(days=14)


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0007_assign_cases'),
        ('beneficiaries', '0010_exports'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # An interview that became a case holds nothing: its key has nothing left to open.
        migrations.RunSQL(
            "UPDATE core_datakey SET wrapped = NULL, destroyed_at = now() WHERE wrapped IS NOT NULL "
            "AND subject_id IN (SELECT id FROM beneficiaries_intakedraft WHERE opened_reference <> '')",
            migrations.RunSQL.noop,
        ),
        migrations.AddField(
            model_name='intakedraft',
            name='expires_on',
            field=models.DateField(default=_in_14_days),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='intakedraft',
            name='is_at_risk',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='intakedraft',
            name='kept_because',
            field=core.sealing.SealedTextField(blank=True, max_length=1000),
        ),
        migrations.AddField(
            model_name='intakedraft',
            name='kept_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='intakedraft',
            name='refused_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='intakedraft',
            name='typed',
            field=core.sealing.SealedJSONField(default=dict),
        ),
        migrations.AddField(
            model_name='intakedraft',
            name='warned_on',
            field=models.DateField(null=True),
        ),
        migrations.AddIndex(
            model_name='intakedraft',
            index=models.Index(condition=models.Q(('opened_reference', '')), fields=['expires_on', 'id'], name='beneficiaries_draft_to_end'),
        ),
        migrations.AddIndex(
            model_name='intakedraft',
            index=models.Index(condition=models.Q(('opened_reference', '')), fields=['author', '-created_at'], name='beneficiaries_draft_unfinished'),
        ),
        migrations.AddConstraint(
            model_name='intakedraft',
            constraint=models.CheckConstraint(condition=models.Q(('kept_by', None), models.Q(('is_at_risk', True), models.Q(('kept_because', ''), _negated=True)), _connector='OR'), name='beneficiaries_draft_kept_for_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='intakedraft',
            constraint=models.CheckConstraint(condition=models.Q(('refused_at', None), ('is_at_risk', True), _connector='OR'), name='beneficiaries_draft_refused_is_at_risk'),
        ),
    ]
