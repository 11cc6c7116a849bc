"""The core tables: the audit log with its hash chains, data keys, the outbox, denials and idempotency keys."""

import uuid

from django.db import models
from django.db.models import CharField, Func, Q, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact, Regex
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.access import AccessPolicy, Open, Principal

EVERY_COLUMN = ("*",)  # as `never_recorded`: the audit log stores no values of this model
UUID_PATTERN = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


def _of_user(principal: Principal) -> Q:
    return Q(user_id=principal.user_id)


class AuditEventManager(models.Manager):
    """Events without the column that the application may not read."""

    def get_queryset(self):
        """Leave `encrypted_changes` out."""
        return super().get_queryset().defer("encrypted_changes")


class AuditEvent(models.Model):
    """One audit event. Never changed once added; without foreign keys, so it blocks no deletion.

    `detail` holds codes, numbers and field names; `encrypted_changes` the former and new values of rows, encrypted with
    the data key of the case or beneficiary. The application writes these values and never reads them. The database sets
    actor and time, whatever the application passes; when the transaction ends, a trigger appends the event to a hash
    chain (core/sql/020_audit.sql).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    at = models.DateTimeField(default=timezone.now)
    actor_id = models.UUIDField(null=True)
    verb = models.CharField(max_length=60)
    object_type = models.CharField(max_length=60, blank=True)
    object_id = models.UUIDField(null=True)
    case_id = models.UUIDField(null=True)
    detail = models.JSONField(default=dict)
    encrypted_changes = models.BinaryField(null=True)

    never_recorded = EVERY_COLUMN
    never_read = ("encrypted_changes",)  # the application has no privilege to select these columns
    audit_events = {
        "changed": _("Changed data"),
        "denied": _("Was not allowed"),
        "list read": _("Read a list of people"),
        "row read": _("Read data through the API"),
        "log read": _("Read the audit log"),
        "configuration read": _("Looked at the configuration"),
        "configuration saved": _("Changed the configuration"),
        "configuration removed": _("Removed something from the configuration"),
    }
    access_policy = AccessPolicy(
        read=lambda principal: principal.audits,
        insert=lambda principal: Q(actor_id=principal.user_id) | (Q(actor_id=None) & ~principal.has_user),
        update=None,
        delete=None,
        because="every user adds events in their own name, IOM's auditor reads them, and nobody changes them",
    )
    objects = AuditEventManager()

    class Meta:
        ordering = ["-at", "id"]
        constraints = [
            models.CheckConstraint(
                name="core_auditevent_detail",
                condition=Q(
                    Exact(Func("detail", function="jsonb_typeof", output_field=CharField()), "object")
                )
                & (
                    ~Q(detail__has_key="user")
                    | Q(
                        Regex(
                            Coalesce(
                                KeyTextTransform("user", "detail"), Value(""), output_field=models.TextField()
                            ),
                            UUID_PATTERN,
                        )
                    )
                ),
            )
        ]
        indexes = [models.Index(fields=["case_id", "-at"]), models.Index(fields=["-at"])]


class AuditShard(models.Model):
    """One of the eight parallel hash chains, with its last sequence number and digest."""

    shard = models.SmallIntegerField(primary_key=True)
    seq = models.BigIntegerField(default=0)
    digest = models.BinaryField()

    never_recorded = EVERY_COLUMN
    access_policy = Open((), "written by the trigger that links an event; verified as the owner")


class AuditLink(models.Model):
    """The link of one event in its shard's chain: `digest` is over the former link's digest and the event."""

    event_id = models.UUIDField(primary_key=True)
    shard = models.SmallIntegerField()
    seq = models.BigIntegerField()
    digest = models.BinaryField()

    never_recorded = EVERY_COLUMN
    access_policy = Open((), "written by the trigger that links an event; verified as the owner")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shard", "seq"], name="core_auditlink_place_once")]


class DataKey(models.Model):
    """The data key of a beneficiary or a case, wrapped by the site's key; null once destroyed."""

    subject_id = models.UUIDField(primary_key=True)
    wrapped = models.BinaryField(null=True)
    made_at = models.DateTimeField(default=timezone.now)
    destroyed_at = models.DateTimeField(null=True)

    never_recorded = EVERY_COLUMN
    access_policy = AccessPolicy(
        read=None,
        insert=lambda principal: principal.has_user,
        update=None,
        delete=None,
        because="wrapped with the site's keys; read only through access.data_keys_of, which takes the subjects' ids",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="core_datakey_is_there_or_destroyed",
                condition=models.Q(wrapped=None) ^ models.Q(destroyed_at=None),
            )
        ]


class OutboxMessage(models.Model):
    """A mail to be sent, written in the transaction of the action that causes it.

    `key` is unique, so that an action queues the same mail only once; `lease_until` and `token` mark the sender that
    has claimed it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=120)
    recipient = models.EmailField()
    subject = models.CharField(max_length=200)
    body = models.TextField(max_length=5000)
    created_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    token = models.UUIDField(null=True)
    last_error = models.CharField(max_length=300, blank=True)
    sent_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)

    never_recorded = EVERY_COLUMN
    access_policy = AccessPolicy(
        read=None,
        insert=lambda principal: principal.has_user,
        update=None,
        delete=None,
        because="every user adds mail; it is read and settled only through access.claim_mail and access.settle_mail",
    )

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [models.UniqueConstraint(fields=["key"], name="core_outbox_key_once")]
        indexes = [
            models.Index(
                fields=["created_at"],
                name="core_outbox_waiting",
                condition=models.Q(sent_at=None, failed_at=None),
            )
        ]


class DenialCount(models.Model):
    """How often a user was refused in the minute of the last refusal (core/denials.py)."""

    user_id = models.UUIDField(primary_key=True)
    minute = models.DateTimeField()
    count = models.PositiveIntegerField()

    never_recorded = EVERY_COLUMN
    access_policy = AccessPolicy(
        read=_of_user,
        insert=_of_user,
        update=_of_user,
        delete=None,
        because="a user's denials are counted acting as that user",
    )


class IdempotencyKey(models.Model):
    """A form that was already submitted. Submitting it again redirects to `result`, the first submission's address."""

    id = models.UUIDField(primary_key=True, editable=False)
    user_id = models.UUIDField()
    purpose = models.CharField(max_length=60)
    result = models.CharField(max_length=300, blank=True)
    made_at = models.DateTimeField(default=timezone.now)

    never_recorded = EVERY_COLUMN
    access_policy = AccessPolicy(
        read=_of_user,
        insert=_of_user,
        update=_of_user,
        delete=None,
        because="a key belongs to the user who sent the form",
    )

    class Meta:
        ordering = ["-made_at", "id"]


# Tables of Django, guardian and allauth, which have no policy, with the commands that the application may use.
OPEN_TABLES = {
    "account_emailaddress": Open((), "unused: allauth's, for signing up, which nobody can"),
    "account_emailconfirmation": Open((), "unused: allauth's, for signing up, which nobody can"),
    "auth_group": Open(("SELECT", "INSERT", "UPDATE", "DELETE"), "roles' groups; written by administrators"),
    "auth_group_permissions": Open(("SELECT",), "unused: no model-level permission is ever granted"),
    "auth_permission": Open(("SELECT",), "names of permissions"),
    "core_cache": Open(("SELECT", "INSERT", "UPDATE", "DELETE"), "cache entries"),
    "django_admin_log": Open(("SELECT", "INSERT"), "what administrators changed in the configuration"),
    "django_content_type": Open(("SELECT",), "names of models"),
    "django_migrations": Open(("SELECT",), "which migrations ran"),
    "django_session": Open((), "unused: replaced by accounts.Session"),
    "guardian_groupobjectpermission": Open((), "unused: direct foreign keys instead"),
    "guardian_userobjectpermission": Open((), "unused: permissions go to roles, never to users"),
    "mfa_authenticator": Open(
        ("SELECT", "INSERT", "UPDATE", "DELETE"),
        "second factors, read before anybody is signed in; seeds are encrypted, passkeys are public keys",
    ),
}
