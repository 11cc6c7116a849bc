"""Every question goes to the owner's connection, which no policy narrows."""


class AsOwner:
    def db_for_read(self, model, **hints: object) -> str:
        return "owner"

    db_for_write = db_for_read
