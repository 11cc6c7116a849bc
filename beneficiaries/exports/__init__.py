"""Lists that can be exported: title, permissions, rows and columns."""
