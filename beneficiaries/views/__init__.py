"""Pages of interviews, cases and what belongs to a case."""
