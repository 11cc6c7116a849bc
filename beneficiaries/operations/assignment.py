"""Who works on a case: another caseworker, and what becomes of cases whose caseworker leaves."""

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
from accounts.operations import leave_notice
from accounts.queries import holders, supervisors_or_iom
from beneficiaries.caseload import may_reassign, open_work_of
from beneficiaries.choices import CaseStatus
from beneficiaries.models import Assignment, Case, CaseFile
from beneficiaries.operations.draft import reassign_draft
from beneficiaries.queries import open_drafts_of
from core import audit, outbox
from core.context import acting_as

ONE_FOR_NEW = gettext_noop("You are the caseworker of case %s now.")
ONE_FOR_FORMER = gettext_noop("Case %s has another caseworker now.")
MORE_FOR_NEW = gettext_noop("You are the caseworker of more cases now: %s.")
MORE_FOR_FORMER = gettext_noop("Some of your cases have another caseworker now: %s.")


@transaction.atomic
def reassign_cases(
    *, cases: Collection[Case], caseworker: User, note: str = "", by, now: datetime
) -> list[Assignment]:
    """Make somebody the caseworker of open cases; those that are theirs already stay as they are.

    By a supervisor where they are led, or whose they are. Raises ValidationError where a case is closed, or the
    caseworker writes no cases where it is led; then none is changed.
    """
    keys = {case.pk for case in cases}
    found = list(Case.objects.led_by(by).select_for_update().filter(pk__in=keys).order_by("pk"))
    rows = CaseFile.objects.editable_by(by).select_for_update().filter(case__in=found)
    files = {file.case_id: file for file in rows}
    if len(found) != len(keys) or not all(
        may_reassign(case, files[case.pk].caseworker_id, by) for case in found
    ):
        raise PermissionDenied
    for case in found:
        if case.status == CaseStatus.CLOSED:
            raise ValidationError({"cases": _("Case %s is closed.") % case.reference})
    for organisation_id in {case.lead_organisation_id for case in found}:
        if not holders(Permission.WRITE_CASES, organisation_id).filter(pk=caseworker.pk).exists():
            raise ValidationError(
                {"caseworker": _("Choose somebody of your organisation who works on cases.")}
            )
    made = [
        _assign(case, files[case.pk], caseworker, note.strip(), by=by, now=now)
        for case in found
        if files[case.pk].caseworker_id != caseworker.pk
    ]
    if not made:
        raise ValidationError({"caseworker": _("This is the caseworker already.")})
    _notify(made, caseworker, by=by, now=now)
    return made


def _assign(case: Case, file: CaseFile, caseworker: User, note: str, *, by, now: datetime) -> Assignment:
    made = Assignment(case=case, former=file.caseworker, caseworker=caseworker, note=note, by=by, at=now)
    made.clean_fields(exclude=["case"])
    file.caseworker = caseworker
    file.version += 1
    file.save(update_fields=["caseworker", "version"])
    made.save(force_insert=True)
    detail = {"user": str(caseworker.pk)}
    audit.record(by=by, verb="case reassigned", obj=made, case_id=case.pk, now=now, detail=detail)
    return made


def _notify(made: list[Assignment], caseworker: User, *, by, now: datetime) -> None:
    """One notice each, however many cases; whoever did it knows."""
    given: dict[User, list[Assignment]] = {}
    for row in made:
        given.setdefault(row.former, []).append(row)
    told = [(caseworker, made, ONE_FOR_NEW, MORE_FOR_NEW)]
    told += [(former, rows, ONE_FOR_FORMER, MORE_FOR_FORMER) for former, rows in given.items()]
    for recipient, rows, one, more in told:
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
    """Give all open cases of somebody who leaves to another caseworker, by who reads no case (the hook
    `accounts.hooks.user_leaving`). The change itself is `access.hand_over_cases`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT access.hand_over_cases(%s, %s, %s)", [user.pk, organisation_id, to.pk])
        keys = [row[0] for row in cursor.fetchall()]
    for key in keys:
        audit.record(
            by=by, verb="case reassigned", obj=user, case_id=key, now=now, detail={"user": str(to.pk)}
        )
    if keys:
        leave_notice(
            recipient=to,
            key=f"handed-over:{user.pk}:{now.timestamp():.0f}",
            text=MORE_FOR_NEW,
            words=(len(keys),),
            url="/caseload/",
            now=now,
        )


def hand_over_drafts(*, user: User, organisation_id: UUID, to: User, by, now: datetime) -> None:
    """Give all unfinished interviews of a leaver to another user (the hook `accounts.hooks.user_leaving`)."""
    for draft in open_drafts_of(user, Organisation.objects.get(pk=organisation_id), by=by):
        reassign_draft(draft_id=draft.id, to=to, by=by, now=now)


def keep_answers(*, user: User, organisation_id: UUID, to: User, by, now: datetime) -> None:
    """Referrals and offers stay as they were sent: from now on their answers go to the other user, who is told so.

    `accounts.queries.still_or_now` looks it up (the hook `accounts.hooks.user_leaving`).
    """
    leave_notice(
        recipient=to,
        key=f"referrals-handed-over:{user.pk}:{now.timestamp():.0f}",
        text=gettext_noop("Answers to referrals and offers of %s come to you now."),
        words=(user.name,),
        url="/referrals/",
        now=now,
    )


NOBODYS = gettext_noop(
    "Nobody works on open cases of %(organisation)s: %(cases)s; unfinished interviews: %(drafts)s. They wait to be "
    "assigned."
)


@transaction.atomic
def notify_of_cases_of_nobody(*, now: datetime) -> int:
    """Tell supervisors how many open cases nobody works on, once a day each; how many were told."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organisation, cases, drafts FROM access.cases_without_caseworker()")
        found = cursor.fetchall()
    told = 0
    for key, cases, drafts in found:
        organisation = Organisation.objects.get(pk=key)
        for supervisor in supervisors_or_iom(key):
            told += _tell_of_nobodys(supervisor, organisation, cases, drafts, now=now)
    return told


def _tell_of_nobodys(
    supervisor: User, organisation: Organisation, cases: int, drafts: int, *, now: datetime
) -> int:
    key, url = f"nobody:{organisation.code}:{now.date()}", "/caseload/nobody/"
    words = {"organisation": organisation.name_en, "cases": cases, "drafts": drafts}
    with acting_as(supervisor), translation.override(supervisor.language):
        if supervisor.notices.filter(key=key).exists():
            return 0
        leave_notice(recipient=supervisor, key=key, text=NOBODYS, words=words, url=url, now=now)
        said = _(NOBODYS) % words
        outbox.queue(
            key=f"{key}:{supervisor.pk}",
            recipient=supervisor.email,
            subject=said,
            body=f"{said}\n\n{settings.SITE_URL}{url}\n",
            now=now,
        )
        detail = {"user": str(supervisor.pk), "organisation": organisation.code, "count": cases + drafts}
        audit.record(by=None, verb="cases of nobody told", obj=supervisor, now=now, detail=detail)
    return 1


def refuse_deactivating(*, organisation: Organisation, by, now: datetime) -> None:
    """An organisation that leads open cases, or owes an answer, isn't deactivated (the hook
    `accounts.hooks.organisation_deactivating`)."""
    left = open_work_of(organisation)
    if any(left):
        raise ValidationError(
            _(
                "It can't be deactivated yet. Open cases that it leads: %(active)s active, %(in_follow_up)s in "
                "follow-up; each must be transferred or closed. Unfinished interviews: %(drafts)s; each must be "
                "finished or deleted. Waiting for its answer: %(referrals)s referrals, "
                "%(offers)s offered cases; each must be answered, or ended by who sent it."
            )
            % left._asdict()
        )
