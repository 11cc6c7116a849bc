"""Pages that need plans, grants or follow-ups, also the case file and the dashboard."""

from reintegration.views.admission import admission_assess, admission_choose
from reintegration.views.case_file import case_detail
from reintegration.views.dashboard import dashboard
from reintegration.views.follow_up import follow_up_list, follow_up_record
from reintegration.views.grant import (
    grant_approve,
    grant_detail,
    grant_endorse,
    grant_list,
    grant_pay,
    grant_refuse,
    grant_request,
    grant_withdraw,
)
from reintegration.views.log import log_list
from reintegration.views.plan import plan_agree
from reintegration.views.project import project_detail

__all__ = [
    "admission_assess",
    "admission_choose",
    "case_detail",
    "dashboard",
    "follow_up_list",
    "follow_up_record",
    "grant_approve",
    "grant_detail",
    "grant_endorse",
    "grant_list",
    "grant_pay",
    "grant_refuse",
    "grant_request",
    "grant_withdraw",
    "log_list",
    "plan_agree",
    "project_detail",
]
