"""Reads that span models: lists, the case file, facts for the criteria."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Case as Case_
from django.db.models import CharField, Lookup, Q, QuerySet, Sum, When
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.choices import Permission
from accounts.models import Organisation, User
from accounts.queries import authority_of, may_configure, organisations_with, supervisors_or_iom, told_of
from beneficiaries import rules
from beneficiaries.choices import CaseStatus, ConsentPurpose, ExportState, ReferralState, Sex, TransferState
from beneficiaries.contact import Contact, contact_of
from beneficiaries.models import (
    Beneficiary,
    Case,
    CaseAccess,
    CaseFile,
    CaseNote,
    CaseTransfer,
    Consent,
    Document,
    EmergencyOpening,
    Export,
    IntakeDraft,
    Referral,
    Screening,
    SharedItem,
)
from beneficiaries.models.access import CONFIDENTIAL_PERMISSIONS, access_rows
from beneficiaries.models.export import ExportQuerySet
from beneficiaries.models.transfer import CaseTransferQuerySet
from core import data_keys, files, names, reference
from core.encrypted_fields import Encrypted
from core.phone import phone_indexes_sought
from core.related import fill_in
from core.scoping import Confidentiality, Level
from core.statements import Select
from geography.models import District

SHORTEST_NUMBER = 6  # digits: what is typed with fewer is no telephone number


@CharField.register_lookup
class StartsAt(Lookup):
    """PostgreSQL's `^@`: leakproof, so that a policy doesn't keep it from the index (LIKE it would)."""

    lookup_name = "starts_at"

    def as_sql(self, compiler, connection):
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} ^@ {right}", [*left_params, *right_params]


def case_list(user, *, status: str = "", district_id=None, find: str = "") -> QuerySet[CaseAccess]:
    """Access rows of the cases that this person works on, newest change first, each case once.

    Driven from the access table, and joined to nothing: its indexes carry what is sorted and filtered by.
    """
    rows = CaseAccess.objects.opening(user, Level.WORKING)
    if status:
        rows = rows.filter(status=status)
    if district_id:
        rows = rows.filter(district_id=district_id)
    if find.strip():
        wanted = reference.tidy(find)
        rows = (
            rows.filter(reference=wanted)
            if wanted
            else rows.filter(case__beneficiary__in=_people(user, find))
        )
    rows, authority = rows.order_by("-changed_on", "case_id"), authority_of(user)
    # In one organisation a case has one row that opens its file, but for whoever also opened it in an emergency.
    # Sorting doubles out costs a count more than counting, and keeps it from two processors.
    if len(authority.where(Permission.READ_CASES)) > 1 or authority.may(Permission.BREAK_GLASS):
        rows = rows.distinct("changed_on", "case_id")
    return rows


def _people(user, find: str) -> QuerySet[Beneficiary]:
    """People whose name begins like this, or whose whole telephone number it is."""
    people = Beneficiary.objects.visible_to(user)
    if sum(sign.isdigit() for sign in find) >= SHORTEST_NUMBER and not any(sign.isalpha() for sign in find):
        sought = phone_indexes_sought(find)
        return people.filter(
            Q(phone_index__in=sought) | Q(phone_index_2__in=sought) | Q(phone_index_3__in=sought)
        )
    return people.filter(find_key__starts_at=names.key(find)[:320])


def case_page(rows: QuerySet[CaseAccess], start: int, size: int) -> list[dict[str, Any]]:
    """What a list shows of `size` rows of a case list, from `start`: plain values, as models cost twice the time.

    The page is cut from the access table first, so that a name is looked up for the rows shown and no other.
    """
    shown = CaseAccess.objects.filter(pk__in=rows.values("pk")[start : start + size])
    return list(shown.order_by("-changed_on", "case_id").values(*_SHOWN))


_SHOWN = (
    *("reference", "status", "risk", "changed_on", "district__name_en", "district__name_ne"),
    *("lead_organisation__name_en", "lead_organisation__name_ne", "case__beneficiary__first_name"),
    *("case__beneficiary__middle_name", "case__beneficiary__second_name", "case__beneficiary__name_ne"),
)


def count_up_to(rows: QuerySet[CaseAccess], most: int) -> int:
    """How many rows a case list has; `most` + 1 stands for all that is more, which the index counts quickly."""
    return rows.values("case_id")[: most + 1].count()


def _opened(user_id, organisations, reference) -> QuerySet[CaseAccess]:
    mine = Q(organisation_id__any_of=organisations)
    return CaseAccess.objects.filter(
        access_rows(user_id, Level.WORKING, full=mine, figures=mine), case__reference=reference
    ).select_related(
        "case__beneficiary__home_district", "case__beneficiary__home_local_level", "case__lead_organisation"
    )


_opening = Select(_opened, 3)


def case_by_reference(user, typed: str) -> Case | None:
    """The case with this reference if this person works on it; a missing and a hidden one look the same."""
    wanted = reference.tidy(typed)
    if wanted is None:
        return None
    rows = _opening(user.pk, sorted(authority_of(user).where(Permission.READ_CASES)), wanted)
    if not rows:
        return None
    case = rows[0].case
    case.worked_on_by = user.pk
    case.may_write = any(row.opens(user, Permission.WRITE_CASES) for row in rows)
    case.may_erase = may_erase(case, user)
    case.may_lead = any(row.opens(user, Permission.WRITE_CASES, Level.LEAD) for row in rows)
    special = CONFIDENTIAL_PERMISSIONS.items()
    readable = {kind for kind, to in special if any(row.opens(user, to, Level.LEAD) for row in rows)}
    case.readable_confidentialities = frozenset({Confidentiality.NORMAL, *readable})
    return case


def file_of(case: Case, user) -> CaseFile:
    """The situation, for somebody who works on the case."""
    (file,) = CaseFile.objects.of(case, user)
    fill_in(District, ([file], "current_district"))
    return file


def consents_of(case: Case, user) -> list[Consent]:
    """Every answer ever given, oldest first; those without `withdrawn_on` hold now."""
    return Consent.objects.of(case, user)


def shares_with(case: Case, organisation: Organisation, user, *, on: date) -> bool:
    """Whether the person's consent to share the file with this organisation holds on a day."""
    return (
        Consent.objects.visible_to(user)
        .filter(Q(until_on=None) | Q(until_on__gte=on), case=case, purpose=ConsentPurpose.SHARING)
        .filter(organisation=organisation, is_given=True, withdrawn_on=None)
        .exists()
    )


def lead_of(case_id: UUID, user) -> UUID:
    """The lead organisation of a case that reaches this person at any level, a referral's receiver included."""
    return CaseAccess.objects.visible_to(user).filter(case_id=case_id).values_list("lead_organisation")[0][0]


def iom() -> Organisation | None:
    """The IOM office that programmes are managed by."""
    return Organisation.objects.filter(kind="iom", is_active=True).order_by("code").first()


def facts_of(case: Case, *, by, on: date) -> dict[str, Any]:
    """What is known of the person on a day, by the names in `projects.facts`; None is not known."""
    file, beneficiary = file_of(case, by), case.beneficiary
    # None among the members: the set may hold more than is known (a district that wasn't recorded).
    districts = {
        place.code if place else None for place in (beneficiary.home_district, file.current_district)
    }
    research = [
        c.is_given
        for c in consents_of(case, by)
        if c.purpose == ConsentPurpose.RESEARCH and c.withdrawn_on is None
    ]
    facts: dict[str, Any] = {
        "age": rules.known_age(beneficiary.birth_on, beneficiary.birth_precision, on),
        "sex": None if beneficiary.sex == Sex.UNKNOWN else beneficiary.sex,
        "groups": set(file.groups),
        "districts": districts,
        "country_of_stay": file.country_of_stay or None,
        "research_consent": research[-1] if research else None,
    }
    for answers in (
        Screening.objects.visible_to(by)
        .filter(case=case)
        .order_by("at", "id")
        .values_list("answers", flat=True)
    ):
        facts |= answers
    return facts


def facts_as_json(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as they are kept with a decision: sets become sorted lists."""
    return {
        name: sorted(value, key=lambda member: member or "") if isinstance(value, set) else value
        for name, value in facts.items()
    }


def notes_of(case: Case, user) -> list[CaseNote]:
    """Notes that this person may read, the newest first."""
    return CaseNote.objects.of(case, user)


def document_of(user, reference: str, document_id: UUID) -> Document | None:
    """A document of this case, where this person may read it; a missing and a hidden one look the same."""
    case = case_by_reference(user, reference)
    if case is None:
        return None
    return Document.objects.visible_to(user).filter(case=case, pk=document_id).first()


def content_of(document: Document) -> bytes | None:
    """The file, opened; None where it may not be handed out, or its key was destroyed."""
    if not document.is_open:
        return None
    return data_keys.decrypt_for(files.content(document.file), bound_to=document.place)


def emergencies_of(case: Case, user) -> list[EmergencyOpening]:
    """Every time the file was opened in an emergency."""
    return EmergencyOpening.objects.of(case, user)


def possible_receivers(case: Case) -> QuerySet[Organisation]:
    """Organisations that take referrals of this case: active ones that sign in, its lead left out."""
    return (
        Organisation.objects.filter(is_active=True, roles__memberships__isnull=False)
        .exclude(pk=case.lead_organisation_id)
        .distinct()
    )


def shareable_items(case: Case, user) -> dict[str, tuple[str, str]]:
    """What can go along with a referral: a name, its label, and its value as it stands; empty ones left out."""
    beneficiary, file = case.beneficiary, file_of(case, user)
    items = {
        "name": (_("Name"), beneficiary.name),
        "name_ne": (_("Name in Devanagari"), beneficiary.name_ne),
        "sex": (_("Sex"), str(beneficiary.get_sex_display())),
        "birth": (_("Born"), beneficiary.birth_as_typed),
        "safe_contact": (_("Safe contact"), beneficiary.safe_contact),
        "phone": (_("Telephone"), beneficiary.phone),
        "home_district": (
            _("Home district"),
            beneficiary.home_district.name if beneficiary.home_district else "",
        ),
        "needs": (_("Asks for"), file.needs),
        "narrative": (_("What happened"), file.narrative),
    }
    return {name: (label, value) for name, (label, value) in items.items() if value}


def shared_items(case: Case, user, names: Iterable[str]) -> dict[str, str]:
    """Of what can go along the chosen, by label. A number never goes without how it is safe to reach her."""
    found = shareable_items(case, user)
    chosen = set(names) | ({"safe_contact"} if "phone" in names else set())
    return dict(found[name] for name in found if name in chosen)


def items_of(referral: Referral, user) -> tuple[list[SharedItem], Contact]:
    """What was sent with a referral, and apart how the person is reached; labels are in the sender's language."""
    said = dict.fromkeys(_said("Telephone"), "phone") | dict.fromkeys(_said("Safe contact"), "safe_contact")
    items = list(shared_with(user).filter(referral=referral))
    found = {said[item.name]: item.value for item in items if item.name in said}
    contact = contact_of(safe_contact=found.get("safe_contact", ""), phone=found.get("phone", ""))
    return [item for item in items if item.name not in said], contact


def shared_with(user) -> QuerySet[SharedItem]:
    """What was sent with referrals that this person sees, of each how it is safe to reach the person first."""
    is_safe_contact = Case_(When(name__in=_said("Safe contact"), then=0), default=1)
    return SharedItem.objects.visible_to(user).order_by(is_safe_contact, "name", "id")


def _said(message: str) -> set[str]:
    """A message in each language that it may have been said in."""
    found = set()
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            found.add(_(message))
    return found


def answers_open(referral: Referral, user) -> list[tuple[str, str]]:
    """What this person may answer to a referral now."""
    running = {
        ReferralState.SENT: [ReferralState.ACCEPTED, ReferralState.DECLINED, ReferralState.FINISHED],
        ReferralState.ACCEPTED: [ReferralState.FINISHED],
    }.get(ReferralState(referral.state), [])
    if not Referral.objects.editable_by(user).filter(pk=referral.pk).exists():
        return []
    receives = authority_of(user).may(Permission.REFER_CASES, referral.receiver_id)
    if not receives:
        leads = Case.objects.led_by(user).filter(pk=referral.case_id).exists()
        running = [state for state in running if leads and state == ReferralState.FINISHED]
    return [(state.value, str(state.label)) for state in running]


def possible_leads(case: Case) -> QuerySet[Organisation]:
    """Organisations that a case can be handed on to: somebody works on cases there."""
    return organisations_with(Permission.WRITE_CASES).exclude(pk=case.lead_organisation_id)


def transfers_for(user) -> CaseTransferQuerySet:
    """Offers of cases that this person works on, from either side."""
    return CaseTransfer.objects.visible_to(user).select_related("case", "sender", "receiver")


def transfer_answers_open(transfer: CaseTransfer, user) -> list[tuple[str, str]]:
    """What this person may answer to an offer now."""
    states = rules.transfer_answers(
        is_running=transfer.state == TransferState.OFFERED,
        receives=authority_of(user).may(Permission.WRITE_CASES, transfer.receiver_id),
        leads=Case.objects.led_by(user).filter(pk=transfer.case_id).exists(),
    )
    return [(state, str(_ANSWERS[TransferState(state)])) for state in states]


_ANSWERS = {
    TransferState.ACCEPTED: gettext_lazy("We take the case over"),
    TransferState.DECLINED: gettext_lazy("We decline"),
    TransferState.TAKEN_BACK: gettext_lazy("Take the offer back"),
}


def worked_on_case(case_id: UUID, user) -> Case | None:
    """The case, where this person works on it; None for a receiver, who sees the referral alone."""
    worked_on = CaseAccess.objects.opening(user, Level.WORKING).values("case_id")
    return Case.objects.visible_to(user).filter(pk=case_id, pk__in=worked_on).first()


def references_in_log(case_ids: set[UUID]) -> dict[UUID, str]:
    """References of cases by key, for the auditor, who reads no row of a case; nothing for anybody else."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, reference FROM access.references_in_log(%s::uuid[])", [list(case_ids)])
        return dict(cursor.fetchall())


def may_erase(case: Case, user) -> bool:
    """Whether this person may erase whom the case is about: in the organisation that leads it."""
    return authority_of(user).may(Permission.ERASE_BENEFICIARIES, case.lead_organisation_id)


class Reading(NamedTuple):
    """Pages of a case that one person was shown on one day."""

    on_day: date
    name: str
    why: str
    times: int


def readers_of(case: Case, user) -> list[Reading]:
    """Who was shown the case, day by day, the newest first; nothing for who doesn't work on it.

    Why is the reason of an emergency, else for whom they work.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT on_day, user_id, times FROM access.readers_of_case(%s)", [case.pk])
        found = cursor.fetchall()
    told = told_of({user_id for _day, user_id, _times in found})
    urgent = {
        (timezone.localdate(opening.opened_at), opening.user_id): opening.reason
        for opening in EmergencyOpening.objects.visible_to(user).filter(case=case)
    }
    return [
        Reading(day, told[user_id].name, urgent.get((day, user_id)) or told[user_id].organisations, times)
        for day, user_id, times in found
    ]


def case_in_log(typed: str) -> UUID | None:
    """The key of the case with this reference, for the auditor alone."""
    wanted = reference.tidy(typed)
    if wanted is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT access.case_in_log(%s)", [wanted])
        return cursor.fetchone()[0]


def exports_for(user) -> ExportQuerySet:
    """Lists that this person took out, and those that they may agree to, the newest first."""
    found = Export.objects.visible_to(user).select_related("organisation", "requested_by", "decided_by")
    return found.order_by("-asked_at", "id")


def export_rows_asked(user, *, on: date) -> int:
    """Rows that a person has asked to take out on a day in Nepal."""
    mine = Export.objects.visible_to(user).asked_on(on).filter(requested_by=user)
    return mine.aggregate(rows=Sum("counted_rows"))["rows"] or 0


def exports_asked(user, *, on: date) -> int:
    """How many lists a person has asked for on a day in Nepal, whatever became of them."""
    return Export.objects.visible_to(user).filter(requested_by=user, asked_at__date=on).count()


def may_decide_export(export: Export, user) -> bool:
    """Whether a list waits for this person's answer."""
    waiting = Export.objects.editable_by(user).filter(pk=export.pk, state=ExportState.WAITING)
    return waiting.exists()


def export_filters(export: Export) -> list[tuple[str, str]]:
    """By what the list was narrowed, in words; of what was searched for only that something was."""
    given = export.filters
    district = District.objects.filter(code=given.get("district", "")).first()
    words = [
        (_("Status"), dict(CaseStatus.choices).get(given.get("status", ""))),
        (_("District"), district and district.name),
        (_("Searched for"), _("a name, telephone number or reference") if given.get("find") else ""),
    ]
    return [(label, str(value)) for label, value in words if value]


class OpenDraft(NamedTuple):
    """An unfinished interview as those know it who may give it to another user: nothing of what stands in it.

    `waits`: for a supervisor's decision; `is_orphaned`: its author no longer writes cases there; `decides`: whether the
    one who asks decides about it.
    """

    id: UUID
    author_id: UUID
    organisation_id: UUID
    started_at: datetime
    expires_on: date
    is_at_risk: bool
    waits: bool
    is_orphaned: bool
    decides: bool
    kept_because: bytes


def drafts_to_reassign(user) -> list[OpenDraft]:
    """Unfinished interviews that this user may give to another one, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM access.drafts_to_reassign()")
        found = [OpenDraft(*row) for row in cursor.fetchall()]
    theirs = {key for key in {draft.organisation_id for draft in found} if _may_move_drafts(user, key)}
    return [draft for draft in found if draft.organisation_id in theirs]


def _may_move_drafts(user, organisation_id: UUID) -> bool:
    """Supervisors, and whoever ends the access of users."""
    manages = authority_of(user).may(Permission.MANAGE_USERS, organisation_id) or may_configure(user)
    return manages or user in draft_supervisors(organisation_id)


def why_kept(draft: OpenDraft) -> str:
    """Why a supervisor kept it so far."""
    if not draft.kept_because:
        return ""
    row = IntakeDraft(pk=draft.id)
    return IntakeDraft._meta.get_field("kept_because").opened(row, Encrypted(draft.kept_because))


def own_drafts(user) -> list[IntakeDraft]:
    """One's own unfinished interviews, the newest first."""
    return list(IntakeDraft.objects.visible_to(user).unfinished()[:50])


def open_drafts_of(user: User, organisation: Organisation, *, by) -> list[OpenDraft]:
    """Unfinished interviews of a user in an organisation, for those who may give them to another one."""
    return [
        draft
        for draft in drafts_to_reassign(by)
        if draft.author_id == user.pk and draft.organisation_id == organisation.pk
    ]


def draft_supervisors(organisation_id: UUID) -> list[User]:
    """Who decides about unfinished interviews: supervisors there; where there is none, IOM's protection supervisors."""
    return supervisors_or_iom(organisation_id)
