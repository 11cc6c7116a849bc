"""Every write to plans, grants, follow-ups and reminders."""
