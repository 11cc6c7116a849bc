"""The local stack that `dev.py` runs: packages, PostgreSQL, Valkey, and the processes of the site.

Standard library only. Docs: `docs/adr/0002-local-stack.md`.
"""
