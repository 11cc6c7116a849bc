"""Verifying the audit log's hash chains: each event in its place, unchanged, and none missing.

The digests that core/sql/020_audit.sql writes are computed here again from the rows alone, so a changed function in
the database hides nothing. Rows are read as the owner, in one snapshot. The database's owner could rebuild all chains;
comparing with a head that was stored outside the database finds that.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction

SHARDS = 8
FETCHED = 2000
HEAD_PARTS = 3

Head = Mapping[int, tuple[int, str]]  # by shard: the last sequence number, and its digest in hexadecimal

# Every link with its event; either side may be missing.
_ROWS = """
    SELECT l.shard, l.seq, l.digest, e.id IS NOT NULL,
           e.id::text, (extract(epoch FROM e.at) * 1000000)::bigint::text, e.actor_id::text, e.verb,
           e.object_type, e.object_id::text, e.case_id::text, e.detail::text, encode(e.encrypted_changes, 'hex')
      FROM core_auditlink l FULL JOIN core_auditevent e ON e.id = l.event_id
     ORDER BY l.shard NULLS LAST, l.seq
"""


@dataclass
class Verified:
    """The result: how many events there are, and one line for each problem."""

    events: int = 0
    broken: list[str] = field(default_factory=list)


@contextmanager
def _snapshot() -> Iterator:
    """Yield a cursor as the owner in a read-only snapshot. Raises ImproperlyConfigured without an owner connection."""
    if "owner" not in settings.DATABASES:
        raise ImproperlyConfigured(
            "MIGRATION_DATABASE_URL is missing: the audit log is verified as the owner"
        )
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield cursor


def head() -> Head:
    """Return the last sequence number and digest of each shard, as `core_auditshard` has them."""
    with _snapshot() as cursor:
        cursor.execute("SELECT shard, seq, encode(digest, 'hex') FROM core_auditshard ORDER BY shard")
        return {shard: (seq, digest) for shard, seq, digest in cursor.fetchall()}


def head_text(found: Head) -> str:
    """Format a head for printing: one line per shard, `shard seq digest`."""
    return "\n".join(f"{shard} {seq} {digest}" for shard, (seq, digest) in sorted(found.items()))


def head_from(text: str) -> Head:
    """Parse what `head_text` printed. Raises ValueError for a malformed line."""
    found = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        parts = line.split()
        if len(parts) != HEAD_PARTS or not all(part.isdigit() for part in parts[:2]):
            raise ValueError(f"not a line of a head: {line[:40]}")
        found[int(parts[0])] = (int(parts[1]), parts[2])
    return found


def start_of(shard: int) -> bytes:
    """Return the digest that a shard's first event is chained to."""
    return hashlib.sha256(f"shard {shard}".encode()).digest()


def digest_of(former: bytes, shard: int, seq: int, parts: tuple[str | None, ...]) -> bytes:
    """Return the SHA-256 over the former digest, shard, sequence number and the event's parts, as in 020_audit.sql."""
    text = "".join("-" if part is None else f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(former + f"{shard}:{seq}:{text}".encode()).digest()


def verify(trusted: Head) -> Verified:
    """Check all shards against `core_auditshard` and against `trusted`, a head stored outside (may be empty)."""
    with _snapshot() as cursor:
        return verify_on(cursor, trusted)


def verify_on(cursor, trusted: Head) -> Verified:
    """Do the same on a given cursor, which must see every row and be in a transaction."""
    walk = Walk(trusted)
    cursor.execute(f"DECLARE walked NO SCROLL CURSOR FOR {_ROWS}")
    while True:
        cursor.execute(f"FETCH {FETCHED} FROM walked")
        rows = cursor.fetchall()
        if not rows:
            break
        for shard, seq, digest, has_event, *parts in rows:
            walk.add(shard, seq, digest and bytes(digest), has_event, tuple(parts))
    cursor.execute("CLOSE walked")
    cursor.execute("SELECT shard, seq, digest FROM core_auditshard")
    walk.end({shard: (seq, bytes(digest)) for shard, seq, digest in cursor.fetchall()})
    cursor.execute("SELECT EXISTS (SELECT FROM core_datakey) OR EXISTS (SELECT FROM core_idempotencykey)")
    if not walk.found.events and cursor.fetchone()[0]:
        walk.found.broken.append("there is no event, and there was activity")
    return walk.found


class Walk:
    """Recomputes the chains, one shard after the other, and collects the problems in `found`.

    `ends` holds the last link seen of each shard, `confirmed` the shards whose trusted head was met.
    """

    def __init__(self, trusted: Head) -> None:
        self.found, self.trusted = Verified(), trusted
        self.ends = {shard: (0, start_of(shard)) for shard in range(SHARDS)}
        self.confirmed = {shard for shard, end in trusted.items() if end == (0, start_of(shard).hex())}

    def add(
        self, shard: int | None, seq: int, digest: bytes, has_event: bool, parts: tuple[str | None, ...]
    ) -> None:
        """Check one link with its event, or either of them alone."""
        self.found.events += has_event
        if shard is None:
            self.found.broken.append(f"event {parts[0]} is in no chain")
            return
        last, former = self.ends.get(shard, (0, b""))
        if seq != last + 1:
            self.found.broken.append(f"shard {shard}: {last + 1} to {seq - 1} are missing")
        if not has_event:
            self.found.broken.append(f"shard {shard}, {seq}: the event is missing")
        elif digest_of(former, shard, seq, parts) != digest:
            self.found.broken.append(f"shard {shard}, {seq}: changed, or not in its place")
        self.ends[shard] = (seq, digest)
        if self.trusted.get(shard) == (seq, digest.hex()):
            self.confirmed.add(shard)

    def end(self, shards: dict[int, tuple[int, bytes]]) -> None:
        """Compare the ends with the rows of `core_auditshard`, and check that every trusted head was met."""
        for shard in sorted(self.ends.keys() | shards.keys()):
            if self.ends.get(shard) != shards.get(shard):
                self.found.broken.append(f"shard {shard}: it does not end where it says")
        self.found.broken += [
            f"shard {shard}: not what was kept outside"
            for shard in sorted(self.trusted.keys() - self.confirmed)
        ]
