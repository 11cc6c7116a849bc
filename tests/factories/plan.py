"""Reintegration plans."""

from beneficiaries.models import Case
from core.clock import now
from reintegration.models import Plan
from reintegration.operations.plan import agree_plan
from tests.factories.admission import admitted


def planned(case: Case, by, code: str = "RASNM-2") -> Plan:
    return agree_plan(
        enrolment=admitted(case, by, code),
        livelihood="tea_shop",
        goal="A tea shop.",
        steps="",
        agreed_on=now().date(),
        by=by,
        now=now(),
    )
