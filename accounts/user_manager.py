"""How users are found."""

from django.contrib.auth.models import UserManager as DjangoUserManager
from django.db.models.functions import Lower


class UserManager(DjangoUserManager):
    """Finds a user by name, with whichever capitals it is typed.

    Stored names are ASCII, so Python's lower() and PostgreSQL's agree on them.
    """

    use_in_migrations = False

    def named(self, username: str):
        """Return the users (one or none) with this name, whatever its capitals."""
        return self.alias(name_lower=Lower("username")).filter(name_lower=username.lower())

    def get_by_natural_key(self, username: str | None):
        """What Django's sign-in asks."""
        return self.named(username or "").get()
