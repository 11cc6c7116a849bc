"""Verifying the record: each event in its place, unchanged, and none missing.

What core/sql/020_audit.sql ties is worked out here once more, from the rows alone, so that a changed function in the
database hides nothing. Read as the owner, in one snapshot. Whoever owns the database could tie all of it anew; a head
kept outside finds that.
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

Head = Mapping[int, tuple[int, str]]  # by shard: the last place, and the digest there in hexadecimal

# Every link with its event, and every event with its link; either side may be missing.
_ROWS = """
    SELECT l.shard, l.seq, l.digest, e.id IS NOT NULL,
           e.id::text, (extract(epoch FROM e.at) * 1000000)::bigint::text, e.actor_id::text, e.verb,
           e.object_type, e.object_id::text, e.case_id::text, e.detail::text, encode(e.encrypted_changes, 'hex')
      FROM core_auditlink l FULL JOIN core_auditevent e ON e.id = l.event_id
     ORDER BY l.shard NULLS LAST, l.seq
"""


@dataclass
class Verified:
    """How many events there are, and what is wrong, one line each."""

    events: int = 0
    broken: list[str] = field(default_factory=list)


@contextmanager
def _snapshot() -> Iterator:
    """A cursor as the owner, which sees one moment of everything."""
    if "owner" not in settings.DATABASES:
        raise ImproperlyConfigured("MIGRATION_DATABASE_URL is missing: the record is verified as the owner")
    link = connections["owner"]
    with transaction.atomic(using="owner"), link.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield cursor


def head() -> Head:
    """Where each shard has come to, as the shards say."""
    with _snapshot() as cursor:
        cursor.execute("SELECT shard, seq, encode(digest, 'hex') FROM core_auditshard ORDER BY shard")
        return {shard: (seq, digest) for shard, seq, digest in cursor.fetchall()}


def head_text(found: Head) -> str:
    return "\n".join(f"{shard} {seq} {digest}" for shard, (seq, digest) in sorted(found.items()))


def head_from(text: str) -> Head:
    """A head as it was printed. ValueError where a line is none."""
    found = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        parts = line.split()
        if len(parts) != HEAD_PARTS or not all(part.isdigit() for part in parts[:2]):
            raise ValueError(f"not a line of a head: {line[:40]}")
        found[int(parts[0])] = (int(parts[1]), parts[2])
    return found


def start_of(shard: int) -> bytes:
    """What the first event of a shard is tied to."""
    return hashlib.sha256(f"shard {shard}".encode()).digest()


def digest_of(former: bytes, shard: int, seq: int, parts: tuple[str | None, ...]) -> bytes:
    """The digest over the former one and an event's parts, each with its length in front."""
    text = "".join("-" if part is None else f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(former + f"{shard}:{seq}:{text}".encode()).digest()


def verify(kept: Head) -> Verified:
    """Walk all shards, against their own ends and against a head that was kept outside, if there is one."""
    with _snapshot() as cursor:
        return verify_on(cursor, kept)


def verify_on(cursor, kept: Head) -> Verified:
    """The same, on a cursor that sees every row, in a transaction."""
    walk = Walk(kept)
    cursor.execute(f"DECLARE walked NO SCROLL CURSOR FOR {_ROWS}")
    while True:
        cursor.execute(f"FETCH {FETCHED} FROM walked")
        rows = cursor.fetchall()
        if not rows:
            break
        for shard, seq, digest, is_there, *parts in rows:
            walk.take(shard, seq, digest and bytes(digest), is_there, tuple(parts))
    cursor.execute("CLOSE walked")
    cursor.execute("SELECT shard, seq, digest FROM core_auditshard")
    walk.end({shard: (seq, bytes(digest)) for shard, seq, digest in cursor.fetchall()})
    cursor.execute("SELECT EXISTS (SELECT FROM core_datakey) OR EXISTS (SELECT FROM core_idempotencykey)")
    if not walk.found.events and cursor.fetchone()[0]:
        walk.found.broken.append("there is no event, and there was activity")
    return walk.found


class Walk:
    """Shard after shard, each from its start."""

    def __init__(self, kept: Head) -> None:
        self.found, self.kept = Verified(), kept
        self.ends = {shard: (0, start_of(shard)) for shard in range(SHARDS)}
        self.met = {shard for shard, place in kept.items() if place == (0, start_of(shard).hex())}

    def take(
        self, shard: int | None, seq: int, digest: bytes, is_there: bool, parts: tuple[str | None, ...]
    ) -> None:
        """One link with its event, or either of them alone."""
        self.found.events += is_there
        if shard is None:
            self.found.broken.append(f"event {parts[0]} is tied to nothing")
            return
        last, former = self.ends.get(shard, (0, b""))
        if seq != last + 1:
            self.found.broken.append(f"shard {shard}: {last + 1} to {seq - 1} are missing")
        if not is_there:
            self.found.broken.append(f"shard {shard}, {seq}: the event is missing")
        elif digest_of(former, shard, seq, parts) != digest:
            self.found.broken.append(f"shard {shard}, {seq}: changed, or not in its place")
        self.ends[shard] = (seq, digest)
        if self.kept.get(shard) == (seq, digest.hex()):
            self.met.add(shard)

    def end(self, told: dict[int, tuple[int, bytes]]) -> None:
        """Each shard ends where it says, and holds what was kept of it outside."""
        for shard in sorted(self.ends.keys() | told.keys()):
            if self.ends.get(shard) != told.get(shard):
                self.found.broken.append(f"shard {shard}: it does not end where it says")
        self.found.broken += [
            f"shard {shard}: not what was kept outside" for shard in sorted(self.kept.keys() - self.met)
        ]
