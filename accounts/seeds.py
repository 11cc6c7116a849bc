"""Seeds of second factors, sealed anew when the house's key changes."""

import json

from accounts.adapter import FactorAdapter

NAMES = ("secret", "seed")  # of an app, and of recovery codes: what allauth hands to the adapter


def seal_seeds(cursor) -> int:
    """Seal each seed with the newest key; as the owner. How many rows were changed."""
    cursor.execute("SELECT id, data FROM mfa_authenticator WHERE data ?| %s FOR UPDATE", [list(NAMES)])
    rows, adapter = cursor.fetchall(), FactorAdapter()
    for key, data in rows:
        held = json.loads(data) if isinstance(data, str) else data
        for name in NAMES:
            if name in held:
                held[name] = adapter.encrypt(adapter.decrypt(held[name]))
        cursor.execute("UPDATE mfa_authenticator SET data = %s WHERE id = %s", [json.dumps(held), key])
    return len(rows)
