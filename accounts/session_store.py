"""Sessions in PostgreSQL: stored under a digest of their key, ended by idleness and age, listed for their user."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.exceptions import SessionInterrupted
from django.core import signing
from django.core.exceptions import SuspiciousOperation
from django.db import connection
from django.utils import timezone

ABOUT = "signed_in"  # session key: when, on which device and network, and the last proof of identity
LOCK = 23118  # with a user: shared by requests that change something, held alone by whoever ends the user's sessions
NOTED = timedelta(minutes=1)  # precision of `last_seen_at`: one write a minute instead of one a page


def digest(key: str | None) -> str:
    """Return what the table stores instead of a session key: 128 bits of its SHA-256."""
    return hashlib.sha256((key or "").encode()).hexdigest()[:32]


def _salt(key: str, user: Any) -> str:
    """Signs what a session holds for one row and user: a copy in another row, or another user's row, opens nothing."""
    return f"accounts.session {key} {user}"


class SessionStore(DatabaseStore):
    """Django's database store with our table. Ended sessions are never found."""

    model: Any

    @classmethod
    def get_model_class(cls) -> Any:
        """Return our session model."""
        from accounts.models import Session  # the store is imported before models are loaded

        return Session

    def load(self):
        """What the session holds; nothing where the row's data was another row's or another user's."""
        row = self._get_session_from_db()
        if row is None:
            return {}
        try:
            return signing.loads(
                row.session_data, salt=_salt(row.pk, row.user_id), serializer=self.serializer
            )
        except signing.BadSignature:
            self._session_key = None
            return {}

    def _get_session_from_db(self):
        now = timezone.now()
        try:
            row = self.model.objects.alive(now).get(session_key=digest(self.session_key))
        except (self.model.DoesNotExist, SuspiciousOperation):
            self._session_key = None
            return None
        if now - row.last_seen_at > NOTED:
            self.model.objects.filter(pk=row.pk).update(last_seen_at=now)
        return row

    def exists(self, session_key):
        """Look for the digest of the key."""
        return self.model.objects.filter(session_key=digest(session_key)).exists()

    def create_model_instance(self, data):
        """Add the columns with which a user's sessions are listed and ended."""
        now = timezone.now()
        about: dict[str, Any] = data.get(ABOUT, {})
        started = data.setdefault("started", now.timestamp())
        key = digest(self._get_or_create_session_key())  # type: ignore[attr-defined]
        salt = _salt(key, data.get(SESSION_KEY))
        return self.model(
            session_key=key,
            session_data=signing.dumps(data, salt=salt, serializer=self.serializer, compress=True),
            expire_date=self.get_expiry_date(),
            user_id=data.get(SESSION_KEY),
            started_at=datetime.fromtimestamp(about.get("at", started), UTC),
            last_seen_at=now,
            device=about.get("device", ""),
            network=about.get("network", ""),
        )

    def keep_from_ending(self):
        """Keep the sessions of this user until the transaction ends: who ends them waits. False if it has ended."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock_shared(%s, hashtext(%s))", [LOCK, str(self[SESSION_KEY])]
            )
        return self.exists(self.session_key)

    def cycle_key(self):
        """Give the session of a user another key in its own row, so that who ends their sessions ends this one too.

        Raises SessionInterrupted if it has ended.
        """
        if SESSION_KEY not in self:
            return super().cycle_key()
        former, self._session_key = self.session_key, self._get_new_session_key()  # type: ignore[attr-defined]
        moved = self.model.objects.filter(pk=digest(former)).update(session_key=digest(self.session_key))
        if not moved:
            raise SessionInterrupted
        self.modified = True
        self.save()  # signed for its row
        return None

    def delete(self, session_key=None):
        """Delete by the digest of the key."""
        key = session_key or self.session_key
        if key is not None:
            self.model.objects.filter(session_key=digest(key)).delete()

    @classmethod
    def clear_expired(cls):
        """Delete all sessions that have ended, by idleness or age too."""
        model = cls.get_model_class()
        model.objects.exclude(pk__in=model.objects.alive(timezone.now()).values("pk")).delete()
