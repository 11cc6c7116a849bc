import core.sealing
from django.db import migrations, models
from psycopg2.extras import execute_values

from beneficiaries.numbers import index_numbers
from core import names

BATCH = 5000
ROWS = """
    SELECT id, first_name, middle_name, second_name, name_ne, home_place, find_key FROM beneficiaries_beneficiary
     WHERE id > %s ORDER BY id LIMIT %s
"""
CHANGE = """
    UPDATE beneficiaries_beneficiary b
       SET first_name = v.first_name, middle_name = v.middle_name, second_name = v.second_name,
           name_ne = v.name_ne, home_place = v.home_place, find_key = v.find_key
      FROM (VALUES %s) AS v(id, first_name, middle_name, second_name, name_ne, home_place, find_key)
     WHERE b.id = v.id
"""


def _tidy(apps, schema_editor):
    """Names as they are stored and found from now on; every telephone number of a field is indexed."""
    with schema_editor.connection.cursor() as cursor:
        last = "00000000-0000-0000-0000-000000000000"
        while True:
            cursor.execute(ROWS, [last, BATCH])
            rows = cursor.fetchall()
            if not rows:
                break
            last, changed = rows[-1][0], []
            for row in rows:
                first, *others = (names.tidy(text) for text in row[1:6])
                first, (middle, second, name_ne, _place) = first or "–", others
                whole = " ".join(part for part in (first, middle, second) if part)
                found = names.key(f"{whole} {name_ne}")[:320] if row[6] else ""  # "": the person was erased
                if (first, *others, found) != row[1:]:
                    changed.append((row[0], first, *others, found))
            if changed:
                execute_values(cursor.cursor, CHANGE, changed)
        index_numbers(cursor)


class Migration(migrations.Migration):

    dependencies = [
        ('beneficiaries', '0011_drafts'),
    ]

    operations = [
        migrations.AddField(
            model_name='beneficiary',
            name='phone_index_2',
            field=models.BinaryField(null=True),
        ),
        migrations.AddField(
            model_name='beneficiary',
            name='phone_index_3',
            field=models.BinaryField(null=True),
        ),
        migrations.AlterField(
            model_name='beneficiary',
            name='phone',
            field=core.sealing.SealedTextField(blank=True, max_length=100, verbose_name='telephone'),
        ),
        migrations.RunPython(_tidy, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name='beneficiary',
            index=models.Index(condition=models.Q(('phone_index_2', None), _negated=True), fields=['phone_index_2'], name='beneficiaries_by_phone_2'),
        ),
        migrations.AddIndex(
            model_name='beneficiary',
            index=models.Index(condition=models.Q(('phone_index_3', None), _negated=True), fields=['phone_index_3'], name='beneficiaries_by_phone_3'),
        ),
        migrations.AddConstraint(
            model_name='beneficiary',
            constraint=models.CheckConstraint(condition=models.Q(('first_name__regex', '^[\\u0001-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u2800\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\uffff\\U000e0000-\\U000e0fff\\u200c\\u200d\\u0020\\u00a0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000]*$'), _negated=True), name='beneficiaries_name_is_seen'),
        ),
    ]
