"""Every write to plans, grants, follow-ups and reminders."""

from reintegration.operations.admission import admit
from reintegration.operations.follow_up import record_follow_up, refuse_closing, schedule_follow_ups
from reintegration.operations.grant import (
    approve_grant,
    endorse_grant,
    pay_instalment,
    refuse_grant,
    request_grant,
    tell_of_new_lead,
    withdraw_grant,
)
from reintegration.operations.leaving import keep_decisions
from reintegration.operations.plan import agree_plan
from reintegration.operations.reminder import send_due_reminders, send_next_reminder
from reintegration.operations.safety import owe_safety_step

__all__ = [
    "admit",
    "agree_plan",
    "approve_grant",
    "endorse_grant",
    "keep_decisions",
    "owe_safety_step",
    "pay_instalment",
    "record_follow_up",
    "refuse_closing",
    "refuse_grant",
    "request_grant",
    "schedule_follow_ups",
    "send_due_reminders",
    "send_next_reminder",
    "tell_of_new_lead",
    "withdraw_grant",
]
