"""The case list once more, scoped by django-guardian's permissions on cases instead of the access policies."""
