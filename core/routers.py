"""Which connection does what: `owner` changes the schema, `default` does all else."""

from django.conf import settings


class OwnerRouter:
    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool:
        return db == ("owner" if "owner" in settings.DATABASES else "default")
