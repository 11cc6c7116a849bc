"""Lists of cases: search, pages and counts."""

from typing import Any

from django.db.models import CharField, Lookup, Q, QuerySet

from accounts.authority import authority_of
from accounts.choices import Permission
from beneficiaries.choices import Level
from beneficiaries.models import Beneficiary, CaseAccess, IdentityDocument
from core import names, reference
from core.phone import phone_indexes_sought

SHORTEST_NUMBER = 6  # digits; text with fewer is not searched for as a telephone number


@CharField.register_lookup
class StartsAt(Lookup):
    """PostgreSQL's `^@` (starts with). It is leakproof, so a row policy can still use the index; LIKE is not."""

    lookup_name = "starts_at"

    def as_sql(self, compiler, connection):
        """Return `left ^@ right`."""
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} ^@ {right}", [*left_params, *right_params]


def case_list(user, *, status: str = "", district_id=None, find: str = "") -> QuerySet[CaseAccess]:
    """Return the access rows of the cases that this user works on, newest change first, each case once.

    It reads the access table alone, without joins: its indexes cover what is sorted and filtered by.
    """
    rows = CaseAccess.objects.opening(user, Level.WORKING)
    if status:
        rows = rows.filter(status=status)
    if district_id:
        rows = rows.filter(district_id=district_id)
    if find.strip():
        rows = rows.filter(_sought(user, find))
    rows, authority = rows.order_by("-changed_on", "case_id"), authority_of(user)
    # A case has one such row in each organisation, and one more if this user also opened it in an emergency. DISTINCT
    # only where it is needed: its sort costs more than the count itself, and prevents a parallel plan.
    if len(authority.where(Permission.READ_CASES)) > 1 or authority.may(Permission.BREAK_GLASS):
        rows = rows.distinct("changed_on", "case_id")
    return rows


def _sought(user, find: str) -> Q:
    """Return the condition for what is typed into the search box.

    It is a case reference, a whole telephone number or the beginning of a name; or the whole number of an identity
    document, which can look like any of these.
    """
    with_document = Q()
    if any(sign.isdecimal() for sign in find):
        documents = IdentityDocument.objects.visible_to(user).numbered(find)
        with_document = Q(case__beneficiary__in=list(documents.values_list("beneficiary", flat=True)))
    wanted = reference.tidy(find)
    if wanted:
        return Q(reference=wanted) | with_document
    return Q(case__beneficiary__in=_beneficiaries(user, find)) | with_document


def _beneficiaries(user, find: str) -> QuerySet[Beneficiary]:
    """Return beneficiaries whose name begins with `find`, or who have exactly this telephone number."""
    beneficiaries = Beneficiary.objects.visible_to(user)
    if sum(char.isdigit() for char in find) >= SHORTEST_NUMBER and not any(char.isalpha() for char in find):
        sought = phone_indexes_sought(find)
        return beneficiaries.filter(
            Q(phone_index__in=sought) | Q(phone_index_2__in=sought) | Q(phone_index_3__in=sought)
        )
    return beneficiaries.filter(find_key__starts_at=names.key(find)[:320])


def case_page(rows: QuerySet[CaseAccess], start: int, size: int) -> list[dict[str, Any]]:
    """Return the values that a list shows, of `size` rows of a case list beginning at index `start`.

    Plain values, because models take twice the time. The inner query cuts the page first, so names are joined for the
    shown rows only.
    """
    shown = CaseAccess.objects.filter(pk__in=rows.values("pk")[start : start + size])
    return list(shown.order_by("-changed_on", "case_id").values(*_SHOWN))


_SHOWN = (
    *("reference", "status", "risk", "changed_on", "district__name_en", "district__name_ne"),
    *("lead_organisation__name_en", "lead_organisation__name_ne", "case__beneficiary__first_name"),
    *("case__beneficiary__middle_name", "case__beneficiary__second_name", "case__beneficiary__name_ne"),
)


def count_up_to(rows: QuerySet[CaseAccess], most: int) -> int:
    """Return the number of rows of a case list, counting at most `most` + 1, which the index does quickly."""
    return rows.values("case_id")[: most + 1].count()
