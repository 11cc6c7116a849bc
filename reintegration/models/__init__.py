"""Plans, grants and follow-ups."""

from reintegration.models.follow_up import FollowUp, Reminder
from reintegration.models.grant import Grant, Instalment
from reintegration.models.plan import Plan

__all__ = ["FollowUp", "Grant", "Instalment", "Plan", "Reminder"]
