"""Send every query to the owner's connection, which no policy limits."""


class AsOwner:
    """Reads and writes as the owner."""

    def db_for_read(self, model, **hints: object) -> str:
        """Return the alias of the owner's connection."""
        return "owner"

    db_for_write = db_for_read
