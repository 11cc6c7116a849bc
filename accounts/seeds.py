"""Seeds of second factors, encrypted anew when the site's key changes."""

import json

from accounts.adapter import FactorAdapter

NAMES = ("secret", "seed")  # of an app, and of recovery codes: what allauth hands to the adapter


def reencrypt_seeds(cursor) -> int:
    """Encrypt with the newest key what an older one encrypted; as the owner. How many seeds were changed."""
    cursor.execute("SELECT id, data FROM mfa_authenticator WHERE data ?| %s FOR UPDATE", [list(NAMES)])
    changed, adapter = 0, FactorAdapter()
    for key, data in cursor.fetchall():
        held = json.loads(data) if isinstance(data, str) else data
        old = [name for name in NAMES if name in held and not adapter.is_newest(held[name])]
        held |= {name: adapter.encrypt(adapter.decrypt(held[name])) for name in old}
        cursor.execute("UPDATE mfa_authenticator SET data = %s WHERE id = %s", [json.dumps(held), key])
        changed += len(old)
    return changed
