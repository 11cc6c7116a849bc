"""Plans, grants and follow-ups."""

from reintegration.models.follow_up import FollowUp, FollowUpChange, Reminder
from reintegration.models.grant import Grant, Instalment
from reintegration.models.plan import Plan, PlanChange

__all__ = ["FollowUp", "FollowUpChange", "Grant", "Instalment", "Plan", "PlanChange", "Reminder"]
