"""Referrals: what can be shared, what was shared, and which answers are possible."""

from collections.abc import Iterable

from django.db.models import Case as Case_
from django.db.models import QuerySet, When

from accounts.authority import authority_of
from accounts.choices import Permission
from beneficiaries.choices import DatePrecision, ReferralState
from beneficiaries.contact import Contact, contact_of
from beneficiaries.models import Case, Referral, SharedItem
from beneficiaries.models.referral import SHARED_LABELS
from beneficiaries.queries.case import file_of
from beneficiaries.queries.identity import documents_in_words
from core.bikram_sambat import as_said


def shareable_items(case: Case, user) -> dict[str, tuple[str, str]]:
    """Return what a referral can share, as code: (label, current value). Empty values are left out."""
    beneficiary, file = case.beneficiary, file_of(case, user)
    values = {
        "name": beneficiary.name,
        "name_ne": beneficiary.name_ne,
        "sex": str(beneficiary.get_sex_display()),
        "birth": as_said(beneficiary.birth_as_typed)
        if beneficiary.birth_precision == DatePrecision.AGE
        else beneficiary.birth_as_typed,
        "safe_contact": beneficiary.safe_contact,
        "phone": beneficiary.phone,
        "home_district": beneficiary.home_district.name if beneficiary.home_district else "",
        "identity": documents_in_words(case, user),
        "needs": file.needs,
        "narrative": file.narrative,
    }
    return {code: (str(label), values[code]) for code, label in SHARED_LABELS.items() if values[code]}


def shared_items(case: Case, user, names: Iterable[str]) -> dict[str, str]:
    """Return the chosen items as code: value. "phone" always adds "safe_contact": how it is safe to call."""
    found = shareable_items(case, user)
    chosen = set(names) | ({"safe_contact"} if "phone" in names else set())
    return {code: value for code, (_label, value) in found.items() if code in chosen}


def items_of(referral: Referral, user) -> tuple[list[SharedItem], Contact]:
    """Return what was sent with a referral, in the order of `SHARED_LABELS`, and separately the contact."""
    order = {code: place for place, code in enumerate(SHARED_LABELS)}
    items = sorted(
        shared_with(user).filter(referral=referral), key=lambda item: order.get(item.name, len(order))
    )
    found = {item.name: item.value for item in items}
    contact = contact_of(safe_contact=found.get("safe_contact", ""), phone=found.get("phone", ""))
    return [item for item in items if item.name not in {"phone", "safe_contact"}], contact


def shared_with(user) -> QuerySet[SharedItem]:
    """Return the items of referrals that this user sees; in each referral the safe contact comes first."""
    is_safe_contact = Case_(When(name="safe_contact", then=0), default=1)
    return SharedItem.objects.visible_to(user).order_by(is_safe_contact, "name", "id")


def referral_answers_open(referral: Referral, user) -> list[tuple[str, str]]:
    """Return the answers (state, label) that this user may give to a referral now."""
    states = {
        ReferralState.SENT: [ReferralState.ACCEPTED, ReferralState.DECLINED, ReferralState.FINISHED],
        ReferralState.ACCEPTED: [ReferralState.FINISHED],
    }.get(ReferralState(referral.state), [])
    if not Referral.objects.editable_by(user).filter(pk=referral.pk).exists():
        return []
    receives = authority_of(user).may(Permission.REFER_CASES, referral.receiver_id)
    if not receives:
        leads = Case.objects.led_by(user).filter(pk=referral.case_id).exists()
        states = [state for state in states if leads and state == ReferralState.FINISHED]
    return [(state.value, str(state.label)) for state in states]
