"""Make the tables with foreign keys in the database that is measured."""

import os

import django

if __name__ == "__main__":
    os.environ |= {"DJANGO_SETTINGS_MODULE": "bench.guarded.settings", "GUARDED_BY": "direct"}
    django.setup()
    from django.db import connections  # needs settings

    from bench.guarded import models

    link = connections["owner"]
    existing = set(link.introspection.table_names())
    with link.schema_editor() as editor:
        for model in (models.CaseUserObjectPermission, models.CaseGroupObjectPermission):
            if model._meta.db_table not in existing:
                editor.create_model(model)
