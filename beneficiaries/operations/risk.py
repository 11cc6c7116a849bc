"""Assess the risk of a case, and notify others of a high one."""

from datetime import datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.choices import Permission
from accounts.models import User
from accounts.operations.notice import notify
from accounts.queries import holders, protection_supervisors
from beneficiaries import hooks, rules
from beneficiaries.choices import CaseStatus, Risk
from beneficiaries.models import Case, CaseFile, RiskAssessment
from core import audit


@transaction.atomic
def assess_risk(
    *, case: Case, level: str, source: str, reason: str = "", by, now: datetime
) -> RiskAssessment:
    """Add an assessment, which sets the level of the case file; a lower level than before needs a reason.

    The file is locked, so that of two assessments at once the second follows the first. Of a high risk that is new,
    or was found at a visit, supervisors are notified at once, and a safety step is owed (`hooks.high_risk_found`).
    """
    files = CaseFile.objects.editable_by(by).select_related("case", "caseworker")
    file = files.select_for_update(of=("self",)).filter(case=case).first()
    if file is None:
        raise PermissionDenied
    if file.case.status == CaseStatus.CLOSED:
        raise ValidationError(_("The case is closed."))
    if level == Risk.UNKNOWN:
        raise ValidationError({"level": _("Choose a risk level.")})
    if rules.is_lower_risk(level, former=file.risk) and not reason.strip():
        raise ValidationError({"reason": _("Say why the risk level is lower now.")})
    assessment = RiskAssessment(
        case=file.case,
        level=level,
        former=file.risk,
        source=source,
        reason=reason.strip(),
        assessed_on=now.date(),
        by=by,
        at=now,
    )
    assessment.clean_fields(exclude=["case"])
    assessment.save(force_insert=True)
    audit.update_and_record(Case.objects.editable_by(by).filter(pk=case.pk), changed_on=now.date())
    audit.record(by=by, verb="risk assessed", obj=assessment, case_id=case.pk, now=now)
    if rules.is_high_risk_news(level, former=assessment.former, source=source):
        notify_of_risk(
            case=file.case,
            key=f"risk:{assessment.pk}",
            text=gettext_noop("The risk level of case %s is high: a safety step is due today."),
            by=by,
            now=now,
        )
        for hook in hooks.high_risk_found:
            hook(assessment=assessment, by=by, now=now)
    return assessment


def notify_of_risk(*, case: Case, key: str, text: str, by, now: datetime, is_high: bool = True) -> None:
    """Notify supervisors and the caseworker of the case, without `by`.

    Where the caseworker writes there no longer, all who do are notified. Protection supervisors are notified where
    the risk is high or there is no supervisor; they may have no access to the case, so their notice leads to the
    emergency opening, which redirects those who may read the case. Each gets a notice in the app at once, and one mail
    for each case, kind of news (what `key` begins with) and clock hour.
    """
    supervisors = list(holders(Permission.ASSIGN_CASES, case.lead_organisation_id))
    addresses: dict[User, str] = {}
    if is_high or not supervisors:
        addresses = dict.fromkeys(protection_supervisors(), f"/emergency/{case.reference}/")
    writers = holders(Permission.WRITE_CASES, case.lead_organisation_id)
    caseworker = writers.filter(pk=case.file.caseworker_id) or writers
    addresses |= dict.fromkeys([*supervisors, *caseworker], f"/cases/{case.reference}/")
    addresses.pop(by, None)
    mail_key = f"{key.partition(':')[0]}:{case.pk}:{now:%Y-%m-%dT%H}"
    notify(addresses=addresses, key=key, text=text, words=(case.reference,), mail_key=mail_key, now=now)
