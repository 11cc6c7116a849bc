"""Unfinished first interviews: saved page by page, left, resumed, given to another user, ended."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.utils import formats, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.choices import Permission
from accounts.models import Organisation, User
from accounts.operations.notice import leave_notice
from accounts.queries import holders
from beneficiaries import rules
from beneficiaries.models import IntakeDraft
from beneficiaries.operations.intake import (
    BeneficiaryDetails,
    ConsentGiven,
    Situation,
    check_birth,
    checked_details,
    open_case,
    require_writer,
)
from beneficiaries.queries.draft import OpenDraft, draft_supervisors, drafts_to_reassign
from core import audit
from core.context import acting_as, as_nobody
from core.encrypted_fields import encrypted_columns

DRAFT_LASTS = timedelta(days=14)
KEPT_AT_MOST = timedelta(days=90)
LONGEST_REASON = 1000
LONGEST_PAGE = 100_000  # characters of one page


class DraftNotOpen(ValidationError):
    """The interview is a case already, or waits for a supervisor."""


@transaction.atomic
def start_draft(
    *,
    organisation: Organisation,
    consent: ConsentGiven,
    typed: dict[str, Any] | None = None,
    by,
    now: datetime,
) -> IntakeDraft:
    """Start an interview after the beneficiary consented. Of somebody who refuses nothing is saved."""
    require_writer(by=by, organisation=organisation)
    draft = IntakeDraft.objects.create(
        author=by,
        organisation=organisation,
        consent=asdict(consent),
        typed={"consent": typed or {}},
        created_at=now,
        expires_on=now.date() + DRAFT_LASTS,
    )
    audit.record(by=by, verb="interview started", obj=draft, now=now)
    return draft


@transaction.atomic
def keep_draft_page(
    *, draft: IntakeDraft, page: str, typed: dict[str, Any], may_be_at_risk: bool = False, by, now: datetime
) -> IntakeDraft:
    """Save a page as it is left, valid or not. `page` is "consent", "beneficiary" or "situation"."""
    found = _own_draft(draft, by)
    _keep(found, page, typed, may_be_at_risk)
    found.save(update_fields=["typed", "is_at_risk"])
    return found


@transaction.atomic
def save_draft_consent(
    *, draft: IntakeDraft, consent: ConsentGiven, typed: dict[str, Any] | None = None, by, now: datetime
) -> IntakeDraft:
    """Save a changed answer on consent. Somebody who had refused and now agrees is interviewed again."""
    found = _own_draft(draft, by, refused=True)
    found.consent, found.refused_at = asdict(consent), None
    if typed is not None:
        _keep(found, "consent", typed, False)
    found.save(update_fields=["consent", "typed", "refused_at", "is_at_risk"])
    return found


@transaction.atomic
def save_draft_beneficiary(
    *,
    draft: IntakeDraft,
    details: BeneficiaryDetails,
    typed: dict[str, Any] | None = None,
    may_be_at_risk: bool = False,
    by,
    now: datetime,
) -> IntakeDraft:
    """Save the second page. With a child somebody may be at risk.

    Raises ValidationError where the birth date or the consent at that age isn't valid.
    """
    found = _own_draft(draft, by)
    details = checked_details(details)
    check_birth(details, ConsentGiven(**found.consent), now.date())
    found.details = {name: _plain(value) for name, value in asdict(details).items()}
    is_child = rules.counts_as_child(details.birth_on, details.birth_precision, now.date())
    _keep(found, "beneficiary", typed or {}, may_be_at_risk or is_child)
    found.save(update_fields=["details", "typed", "is_at_risk"])
    return found


def _own_draft(draft: IntakeDraft, by, *, refused: bool = False) -> IntakeDraft:
    """Return the user's own unfinished interview, locked; with `refused` also one that the beneficiary refused."""
    require_writer(by=by, organisation=draft.organisation)
    found = IntakeDraft.objects.editable_by(by).select_for_update().filter(pk=draft.pk).first()
    if found is None:
        raise PermissionDenied
    if found.opened_reference:
        raise DraftNotOpen(_("This interview is finished: the case is open."))
    if found.refused_at and not refused:
        raise DraftNotOpen(_("The person did not agree. Ask again before you continue."))
    return found


def _keep(draft: IntakeDraft, page: str, typed: dict[str, Any], may_be_at_risk: bool) -> None:
    """Set a page of the draft, and the risk flag, which only a supervisor's decision ends (also in the database)."""
    if sum(len(str(value)) for value in typed.values()) > LONGEST_PAGE:
        raise ValidationError(_("This page is too long to be saved. Shorten it first."))
    draft.typed = {**draft.typed, page: typed}
    draft.is_at_risk = draft.is_at_risk or may_be_at_risk


def _plain(value):
    return str(value) if isinstance(value, (date, UUID)) else value


def _details_of(draft: IntakeDraft) -> BeneficiaryDetails:
    stored = dict(draft.details)
    if stored.get("birth_on"):
        stored["birth_on"] = date.fromisoformat(stored["birth_on"])
    for name in ("home_district_id", "home_local_level_id"):
        stored[name] = UUID(stored[name]) if stored.get(name) else None
    return BeneficiaryDetails(**stored)


@transaction.atomic
def open_case_from_draft(*, draft_id: UUID, situation: Situation, by, now: datetime) -> str:
    """Open the case of a finished draft and return its reference; called again, return the same one.

    The draft's row is locked, its content emptied and its data key destroyed: the data is now in the case only.
    """
    draft = IntakeDraft.objects.editable_by(by).select_for_update().filter(pk=draft_id).first()
    if draft is None:
        raise PermissionDenied
    if draft.opened_reference:
        return draft.opened_reference
    if draft.refused_at:
        raise DraftNotOpen(_("The person did not agree. Ask again before you continue."))
    if not draft.details:
        raise ValidationError(_("The page about the person isn't filled in yet."))
    case = open_case(
        organisation=draft.organisation,
        consent=ConsentGiven(**draft.consent),
        details=_details_of(draft),
        situation=situation,
        by=by,
        now=now,
    )
    draft.opened_reference, draft.details, draft.consent, draft.typed = case.reference, {}, {}, {}
    draft.save(update_fields=["opened_reference", "details", "consent", "typed"])
    return case.reference


@transaction.atomic
def discard_draft(*, draft: IntakeDraft, by, now: datetime) -> bool:
    """Delete an unfinished interview after a refusal; return whether it is deleted.

    Where somebody may be at risk it stays until a supervisor decides, and supervisors are notified at once.
    """
    found = _own_draft(draft, by, refused=True)
    if not found.is_at_risk:
        _record("interview discarded", found.pk, found.organisation, by=by, now=now)
        found.delete()
        return True
    if found.refused_at is None:
        found.refused_at = now
        found.save(update_fields=["refused_at"])
        _record("interview refused", found.pk, found.organisation, by=by, now=now)
        for supervisor in draft_supervisors(found.organisation_id):
            leave_notice(
                recipient=supervisor,
                key=f"draft-waits:{found.pk}",
                text=gettext_noop("A first interview needs your decision: somebody may be at risk."),
                url="/interviews/",
                now=now,
            )
    return False


@transaction.atomic
def reassign_draft(*, draft_id: UUID, to: User, by, now: datetime) -> None:
    """Give an unfinished interview to another user who writes cases there; notify both users.

    For supervisors and users who end the access of others. `access.reassign_draft` makes the change.
    """
    draft = _reassignable(draft_id, by)
    if to == by and not draft.decides:
        raise PermissionDenied
    if not holders(Permission.WRITE_CASES, draft.organisation_id).filter(pk=to.pk).exists():
        raise ValidationError({"to": _("Choose a user of the organisation who works on cases.")})
    if to.pk == draft.author_id:
        raise ValidationError({"to": _("This user already has the interview.")})
    with connection.cursor() as cursor:
        cursor.execute("SELECT access.reassign_draft(%s, %s)", [draft_id, to.pk])
    organisation = Organisation.objects.get(pk=draft.organisation_id)
    _record("interview reassigned", draft_id, organisation, by=by, now=now, user=str(to.pk))
    former = User.objects.get(pk=draft.author_id)
    for recipient, text, url in (
        (to, gettext_noop("A first interview was assigned to you. Please continue it."), "/"),
        (
            former,
            gettext_noop("A first interview of yours was assigned to another user."),
            "/accounts/notices/",
        ),
    ):
        key = f"draft-given:{draft_id}:{now.isoformat()}"
        leave_notice(recipient=recipient, key=key, text=text, url=url, now=now)


@transaction.atomic
def decide_draft(
    *, draft_id: UUID, keep: bool, why: str = "", review_on: date | None = None, by, now: datetime
) -> None:
    """Decide as a supervisor: keep an interview in which somebody may be at risk until `review_on`, or delete it.

    To keep it takes a reason and a day within 90 days.
    """
    draft = _reassignable(draft_id, by)
    if not draft.decides:
        raise PermissionDenied
    organisation = Organisation.objects.get(pk=draft.organisation_id)
    if not keep:
        with connection.cursor() as cursor:
            cursor.execute("SELECT access.delete_draft(%s)", [draft_id])
        _record("interview discarded", draft_id, organisation, by=by, now=now)
        return
    if not draft.is_at_risk:
        raise ValidationError(_("An interview is kept longer only if somebody may be at risk."))
    if not why.strip():
        raise ValidationError({"why": _("Say why it is kept.")})
    if review_on is None or not now.date() < review_on <= now.date() + KEPT_AT_MOST:
        raise ValidationError({"review_on": _("Choose a day within the next 90 days.")})
    if len(why) > LONGEST_REASON:
        raise ValidationError({"why": _("Say it in at most 1,000 characters.")})
    encrypted = encrypted_columns(IntakeDraft, draft_id, draft_id, kept_because=why.strip())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT access.keep_draft(%s, %s, %s)", [draft_id, review_on, encrypted["kept_because"]]
        )
    _record("interview kept", draft_id, organisation, by=by, now=now)


def _reassignable(draft_id: UUID, by) -> OpenDraft:
    """Return an unfinished interview that this user may give to another one; else raise PermissionDenied."""
    draft = next((row for row in drafts_to_reassign(by) if row.id == draft_id), None)
    if draft is None:
        raise PermissionDenied
    return draft


def _record(
    verb: str, draft_id: UUID, organisation: Organisation, *, by, now: datetime, **detail: str
) -> None:
    """Put an event on the audit log, with the organisation and nothing of the interview's content."""
    found = IntakeDraft(pk=draft_id)
    audit.record(by=by, verb=verb, obj=found, now=now, detail={"organisation": organisation.code, **detail})


def warn_of_drafts(*, now: datetime) -> int:
    """Notify authors and supervisors of interviews that end in two days; return how many."""
    warned = 0
    while _warn_of_one(now=now):
        warned += 1
    return warned


@transaction.atomic
def _warn_of_one(*, now: datetime) -> bool:
    with as_nobody(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM access.next_draft_to_warn()")
        row = cursor.fetchone()
    if row is None:
        return False
    draft_id, author_id, organisation_id, expires_on, is_at_risk = row
    author = User.objects.filter(pk=author_id, is_active=True)
    supervisors = draft_supervisors(organisation_id)
    if is_at_risk:
        text = gettext_noop(
            "On %s a first interview goes to a supervisor for a decision: somebody may be at risk."
        )
    else:
        text = gettext_noop("An unfinished first interview will be deleted on %s. Finish it before then.")
    _notify([*author, *supervisors], f"draft-ends:{draft_id}:{expires_on}", text, expires_on, author_id, now)
    return True


def _notify(
    recipients: Iterable[User], key: str, text: str, day: date, author_id: UUID, now: datetime
) -> None:
    """Leave notices in each recipient's language; the author's leads to Today, a supervisor's to their list."""
    for recipient in recipients:
        with acting_as(recipient), translation.override(recipient.language):
            leave_notice(
                recipient=recipient,
                key=key,
                text=text,
                words=(formats.date_format(day, "DATE_FORMAT"),),
                url="/" if recipient.pk == author_id else "/interviews/",
                now=now,
            )


def delete_expired_drafts(*, now: datetime) -> int:
    """Delete expired interviews two days after the notice; return how many."""
    deleted = 0
    while _delete_one(now=now):
        deleted += 1
    return deleted


@transaction.atomic
def _delete_one(*, now: datetime) -> bool:
    with as_nobody(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM access.delete_expired_draft()")
        row = cursor.fetchone()
    if row is None:
        return False
    organisation = Organisation.objects.get(pk=row[2])
    _record("interview expired", row[0], organisation, by=None, now=now)
    return True
