"""The database router: `owner` migrates, `default` does everything else."""

from django.conf import settings


class OwnerRouter:
    """Allows migrations on the owner's connection only."""

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool:
        """Allow `owner`; without such a connection `default`."""
        return db == ("owner" if "owner" in settings.DATABASES else "default")
