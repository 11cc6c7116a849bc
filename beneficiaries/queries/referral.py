"""Referrals: what can be shared, what was shared, and which answers are possible."""

from collections.abc import Iterable

from django.conf import settings
from django.db.models import Case as Case_
from django.db.models import QuerySet, When
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.choices import Permission
from accounts.queries import authority_of
from beneficiaries.choices import ReferralState
from beneficiaries.contact import Contact, contact_of
from beneficiaries.models import Case, Referral, SharedItem
from beneficiaries.queries.case import file_of


def shareable_items(case: Case, user) -> dict[str, tuple[str, str]]:
    """Return what a referral can share, as name: (label, current value). Empty values are left out."""
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
    """Return the chosen items as label: value. "phone" always adds "safe_contact": how it is safe to call."""
    found = shareable_items(case, user)
    chosen = set(names) | ({"safe_contact"} if "phone" in names else set())
    return dict(found[name] for name in found if name in chosen)


def items_of(referral: Referral, user) -> tuple[list[SharedItem], Contact]:
    """Return what was sent with a referral, and separately the contact. Labels are in the sender's language."""
    names = dict.fromkeys(_in_all_languages("Telephone"), "phone")
    names |= dict.fromkeys(_in_all_languages("Safe contact"), "safe_contact")
    items = list(shared_with(user).filter(referral=referral))
    found = {names[item.name]: item.value for item in items if item.name in names}
    contact = contact_of(safe_contact=found.get("safe_contact", ""), phone=found.get("phone", ""))
    return [item for item in items if item.name not in names], contact


def shared_with(user) -> QuerySet[SharedItem]:
    """Return the items of referrals that this user sees; in each referral the safe contact comes first."""
    is_safe_contact = Case_(When(name__in=_in_all_languages("Safe contact"), then=0), default=1)
    return SharedItem.objects.visible_to(user).order_by(is_safe_contact, "name", "id")


def _in_all_languages(message: str) -> set[str]:
    """Return the translations of a message into all languages of the site."""
    found = set()
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            found.add(_(message))
    return found


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
