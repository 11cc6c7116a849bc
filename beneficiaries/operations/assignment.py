"""Change the caseworker of cases, also when a user leaves."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.choices import Permission
from accounts.models import Organisation, User
from accounts.operations.notice import leave_notice
from accounts.queries import holders, supervisors_or_iom
from beneficiaries.caseload import may_reassign, open_work_of
from beneficiaries.choices import CaseStatus
from beneficiaries.models import Assignment, Case, CaseFile
from beneficiaries.operations.draft import reassign_draft
from beneficiaries.queries.draft import open_drafts_of
from core import audit, outbox
from core.context import acting_as

ONE_FOR_NEW = gettext_noop("You are now the caseworker of case %s.")
ONE_FOR_FORMER = gettext_noop("Case %s now has another caseworker.")
MORE_FOR_NEW = gettext_noop("You are now the caseworker of more cases: %s.")
MORE_FOR_FORMER = gettext_noop("Some of your cases now have another caseworker: %s.")


@transaction.atomic
def reassign_cases(
    *, cases: Collection[Case], caseworker: User, note: str = "", by, now: datetime
) -> list[Assignment]:
    """Make a user the caseworker of open cases, and notify them. Cases that they have already stay unchanged.

    Raises PermissionDenied unless `by` assigns caseworkers there or gives away their own cases, and ValidationError
    where a case is closed or the new caseworker writes no cases in the lead organisation; then none is changed.
    """
    case_ids = {case.pk for case in cases}
    found = list(Case.objects.led_by(by).select_for_update().filter(pk__in=case_ids).order_by("pk"))
    rows = CaseFile.objects.editable_by(by).select_for_update().filter(case__in=found)
    files = {file.case_id: file for file in rows}
    if len(found) != len(case_ids) or not all(
        may_reassign(case, files[case.pk].caseworker_id, by) for case in found
    ):
        raise PermissionDenied
    for case in found:
        if case.status == CaseStatus.CLOSED:
            raise ValidationError({"cases": _("Case %s is closed.") % case.reference})
    for organisation_id in {case.lead_organisation_id for case in found}:
        if not holders(Permission.WRITE_CASES, organisation_id).filter(pk=caseworker.pk).exists():
            raise ValidationError({"caseworker": _("Choose a user of your organisation who works on cases.")})
    assignments = [
        _assign(case, files[case.pk], caseworker, note.strip(), by=by, now=now)
        for case in found
        if files[case.pk].caseworker_id != caseworker.pk
    ]
    if not assignments:
        raise ValidationError({"caseworker": _("This user is already the caseworker.")})
    _notify(assignments, caseworker, by=by, now=now)
    return assignments


def _assign(case: Case, file: CaseFile, caseworker: User, note: str, *, by, now: datetime) -> Assignment:
    assignment = Assignment(
        case=case, former=file.caseworker, caseworker=caseworker, note=note, by=by, at=now
    )
    assignment.clean_fields(exclude=["case"])
    file.caseworker = caseworker
    file.version += 1
    file.save(update_fields=["caseworker", "version"])
    assignment.save(force_insert=True)
    detail = {"user": str(caseworker.pk)}
    audit.record(by=by, verb="case reassigned", obj=assignment, case_id=case.pk, now=now, detail=detail)
    return assignment


def _notify(assignments: list[Assignment], caseworker: User, *, by, now: datetime) -> None:
    """Notify the new and the former caseworkers, once each for all cases; not the user who did it."""
    by_former: dict[User, list[Assignment]] = {}
    for row in assignments:
        by_former.setdefault(row.former, []).append(row)
    notices = [(caseworker, assignments, ONE_FOR_NEW, MORE_FOR_NEW)]
    notices += [(former, rows, ONE_FOR_FORMER, MORE_FOR_FORMER) for former, rows in by_former.items()]
    for recipient, rows, one, more in notices:
        if recipient == by:
            continue
        is_one = len(rows) == 1
        leave_notice(
            recipient=recipient,
            key=f"assigned:{rows[0].pk}",
            text=one if is_one else more,
            words=(rows[0].case.reference if is_one else len(rows),),
            url=f"/cases/{rows[0].case.reference}/" if is_one else "/caseload/",
            now=now,
        )


def hand_over_cases(*, user: User, organisation_id: UUID, to: User, by, now: datetime) -> None:
    """Give all open cases of a user who leaves to another caseworker, and notify them.

    For users who manage accounts and can't read cases: `access.hand_over_cases` makes the change. Called through the
    hook `accounts.hooks.user_leaving`.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT access.hand_over_cases(%s, %s, %s)", [user.pk, organisation_id, to.pk])
        case_ids = [row[0] for row in cursor.fetchall()]
    for case_id in case_ids:
        audit.record(
            by=by, verb="case reassigned", obj=user, case_id=case_id, now=now, detail={"user": str(to.pk)}
        )
    if case_ids:
        leave_notice(
            recipient=to,
            key=f"handed-over:{user.pk}:{now.timestamp():.0f}",
            text=MORE_FOR_NEW,
            words=(len(case_ids),),
            url="/caseload/",
            now=now,
        )


def hand_over_drafts(*, user: User, organisation_id: UUID, to: User, by, now: datetime) -> None:
    """Give all unfinished interviews of a user who leaves to another one (hook `accounts.hooks.user_leaving`)."""
    for draft in open_drafts_of(user, Organisation.objects.get(pk=organisation_id), by=by):
        reassign_draft(draft_id=draft.id, to=to, by=by, now=now)


def redirect_referral_answers(*, user: User, organisation_id: UUID, to: User, by, now: datetime) -> None:
    """Notify a user that answers to referrals and offers of somebody who leaves now come to them.

    The referrals and offers themselves stay unchanged; `accounts.queries.recipients_about_work` finds the new
    recipient (hook `accounts.hooks.user_leaving`).
    """
    leave_notice(
        recipient=to,
        key=f"referrals-handed-over:{user.pk}:{now.timestamp():.0f}",
        text=gettext_noop("You now get the answers to referrals and transfer offers of %s."),
        words=(user.name,),
        url="/referrals/",
        now=now,
    )


NO_CASEWORKER = gettext_noop(
    "Nobody works on open cases of %(organisation)s: %(cases)s; unfinished interviews: "
    "%(drafts)s. They must be assigned."
)


@transaction.atomic
def notify_of_cases_without_caseworker(*, now: datetime) -> int:
    """Notify supervisors of open cases without a caseworker, once a day; return how many were notified."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organisation, cases, drafts FROM access.cases_without_caseworker()")
        found = cursor.fetchall()
    notified = 0
    for organisation_id, cases, drafts in found:
        organisation = Organisation.objects.get(pk=organisation_id)
        for supervisor in supervisors_or_iom(organisation_id):
            notified += _notify_supervisor(supervisor, organisation, cases, drafts, now=now)
    return notified


def _notify_supervisor(
    supervisor: User, organisation: Organisation, cases: int, drafts: int, *, now: datetime
) -> int:
    key, url = f"nobody:{organisation.code}:{now.date()}", "/caseload/nobody/"
    words = {"organisation": organisation.name_en, "cases": cases, "drafts": drafts}
    with acting_as(supervisor), translation.override(supervisor.language):
        if supervisor.notices.filter(key=key).exists():
            return 0
        leave_notice(recipient=supervisor, key=key, text=NO_CASEWORKER, words=words, url=url, now=now)
        text = _(NO_CASEWORKER) % words
        outbox.queue(
            key=f"{key}:{supervisor.pk}",
            recipient=supervisor.email,
            subject=text,
            body=f"{text}\n\n{settings.SITE_URL}{url}\n",
            now=now,
        )
        detail = {"user": str(supervisor.pk), "organisation": organisation.code, "count": cases + drafts}
        audit.record(by=None, verb="cases of nobody told", obj=supervisor, now=now, detail=detail)
    return 1


def refuse_deactivating(*, organisation: Organisation, by, now: datetime) -> None:
    """Raise ValidationError where the organisation leads open cases or owes an answer.

    Called through the hook `accounts.hooks.organisation_deactivating`.
    """
    work = open_work_of(organisation)
    if any(work):
        raise ValidationError(
            _(
                "It can't be deactivated yet. Open cases that it leads: %(active)s active, "
                "%(in_follow_up)s in follow-up; each must be transferred or closed. Unfinished "
                "interviews: %(drafts)s; each must be finished or deleted. Waiting for its answer: "
                "%(referrals)s referrals, %(offers)s transfer offers; each must be answered, or ended"
                " by the sender."
            )
            % work._asdict()
        )
