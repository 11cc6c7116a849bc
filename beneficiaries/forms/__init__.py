"""Forms of interviews and of cases."""
