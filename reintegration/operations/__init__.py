"""Every write to plans, grants, follow-ups and reminders."""

from reintegration.operations.admission import admit
from reintegration.operations.follow_up import record_follow_up, refuse_closing, schedule_follow_ups
from reintegration.operations.grant import (
    approve_grant,
    endorse_grant,
    notify_of_new_lead,
    pay_instalment,
    refuse_grant,
    request_grant,
    withdraw_grant,
)
from reintegration.operations.leaving import redirect_grant_decisions
from reintegration.operations.plan import agree_plan
from reintegration.operations.reminder import send_due_reminders, send_next_reminder
from reintegration.operations.safety import schedule_safety_step

__all__ = [
    "admit",
    "agree_plan",
    "approve_grant",
    "endorse_grant",
    "notify_of_new_lead",
    "pay_instalment",
    "record_follow_up",
    "redirect_grant_decisions",
    "refuse_closing",
    "refuse_grant",
    "request_grant",
    "schedule_follow_ups",
    "schedule_safety_step",
    "send_due_reminders",
    "send_next_reminder",
    "withdraw_grant",
]
