"""Pages for signing in, its settings, notices, roles, and the users of an organisation."""
