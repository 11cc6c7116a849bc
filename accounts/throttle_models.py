"""What counts attempts to sign in and invitations, and makes them work once; imported by accounts.models."""

import uuid

from django.db import models

from core.access import Open
from core.addresses import AddressField
from core.models import EVERY_COLUMN

ALL = ("SELECT", "INSERT", "UPDATE", "DELETE")


class SignInThrottle(models.Model):
    """How often signing in failed for an account, a network address or a known browser.

    `key` is a keyed digest, from which neither a user name nor an address can be read.
    """

    key = models.CharField(max_length=64, primary_key=True)
    failures = models.PositiveIntegerField()
    failed_at = models.DateTimeField()

    never_recorded = EVERY_COLUMN
    access_policy = Open(ALL, "counted before anybody is signed in; keyed digests and counts")

    class Meta:
        ordering = ["key"]
        indexes = [models.Index(fields=["failed_at"], name="accounts_throttle_failed_at")]


class UsedProof(models.Model):
    """A one-time code or a passkey's answer that was used; the constraint lets it be used only once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    proof = models.CharField(max_length=80)
    used_at = models.DateTimeField()

    never_recorded = EVERY_COLUMN
    access_policy = Open(
        ("SELECT", "INSERT", "DELETE"), "read before anybody is signed in; numbers of half minutes"
    )

    class Meta:
        ordering = ["-used_at", "id"]
        constraints = [models.UniqueConstraint(fields=["user", "proof"], name="accounts_proof_once")]


class ResetAsked(models.Model):
    """A typed address to which the worker mails a reset link, if a user has it; deleted then."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = AddressField()
    asked_at = models.DateTimeField()

    never_recorded = EVERY_COLUMN
    access_policy = Open(
        ("SELECT", "INSERT", "UPDATE", "DELETE"),
        "asked before anybody is signed in; deleted by the worker's next sweep",
    )

    class Meta:
        ordering = ["asked_at", "id"]


class InvitationSent(models.Model):
    """An invitation, or a mail to a former address, counted to limit them by sender and by address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    sent_by = models.ForeignKey("accounts.User", null=True, on_delete=models.CASCADE, related_name="+")
    address = models.CharField(max_length=64)  # a keyed digest
    sent_at = models.DateTimeField()

    never_recorded = EVERY_COLUMN
    access_policy = Open(("SELECT", "INSERT"), "counted to limit invitations; keyed digests of addresses")

    class Meta:
        ordering = ["-sent_at", "id"]
        indexes = [
            models.Index(fields=["address", "sent_at"], name="accounts_invited_address"),
            models.Index(fields=["sent_by", "sent_at"], name="accounts_invited_by"),
        ]
