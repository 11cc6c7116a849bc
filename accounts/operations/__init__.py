"""All writes to users, roles, notices, and the ways of signing in."""
