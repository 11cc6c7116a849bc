"""Rebuilding PDFs: of every object that a page uses, only what an allow-list names is copied."""
