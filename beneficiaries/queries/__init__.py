"""Reads that span models: lists, the case file, facts for the criteria."""
