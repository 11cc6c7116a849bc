"""Risk assessments of a case."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from beneficiaries.choices import Level, Risk, RiskSource
from beneficiaries.models.access import CasePolicy
from beneficiaries.models.base import CaseLinked
from core.encrypted_fields import EncryptedTextField


class RiskAssessment(CaseLinked):
    """One assessment. Never changed: a later one follows it.

    `former` is the level before. A trigger (beneficiaries/sql) checks it and sets the level of the case file, which
    nothing else can change.
    """

    level = models.CharField(_("risk level"), max_length=10, choices=Risk)
    former = models.CharField(_("risk level before"), max_length=10, choices=Risk, default=Risk.UNKNOWN)
    source = models.CharField(_("source"), max_length=10, choices=RiskSource)
    reason = EncryptedTextField(_("why"), max_length=2000, blank=True)
    assessed_on = models.DateField(_("assessed on"))
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    audit_events = {"risk assessed": _("Assessed the risk level")}
    access_policy = CasePolicy(
        read=Level.WORKING,
        insert=Level.WORKING,
        update=None,
        delete=None,
        because="only those who work on the case see the risk and its reason",
    )

    class Meta(CaseLinked.Meta):
        abstract = False
        ordering = ["-at", "id"]
        constraints = [
            *CaseLinked.Meta.constraints,
            models.CheckConstraint(
                name="beneficiaries_risk_has_a_level",
                condition=Q(level__in=[Risk.LOW, Risk.MEDIUM, Risk.HIGH]),
            ),
            models.CheckConstraint(
                name="beneficiaries_risk_lowered_has_reason",
                condition=~(
                    Q(former=Risk.HIGH, level__in=[Risk.LOW, Risk.MEDIUM])
                    | Q(former=Risk.MEDIUM, level=Risk.LOW)
                )
                | ~Q(reason=""),
            ),
        ]
