"""Pages that need plans, grants or follow-ups, also the case file and the dashboard."""
