"""Encrypting the seeds of second factors with a new site key."""

import json

from accounts.adapter import FactorAdapter

NAMES = ("secret", "seed")  # of an app and of recovery codes: what allauth encrypts with the adapter


def reencrypt_seeds(cursor) -> int:
    """Encrypt with the newest key what an older one encrypted, with a cursor as the owner; returns how many seeds."""
    cursor.execute("SELECT id, data FROM mfa_authenticator WHERE data ?| %s FOR UPDATE", [list(NAMES)])
    changed, adapter = 0, FactorAdapter()
    for row_id, data in cursor.fetchall():
        values = json.loads(data) if isinstance(data, str) else data
        old = [name for name in NAMES if name in values and not adapter.is_newest(values[name])]
        values |= {name: adapter.encrypt(adapter.decrypt(values[name])) for name in old}
        cursor.execute("UPDATE mfa_authenticator SET data = %s WHERE id = %s", [json.dumps(values), row_id])
        changed += len(old)
    return changed
