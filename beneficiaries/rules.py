"""Rules about beneficiaries and cases, without database, clock or request."""

from collections.abc import Collection
from datetime import date, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from beneficiaries.choices import ConsentGiver, DatePrecision, Risk, RiskSource, TransferState
from core.days import last_born_about, years_between

# Messages for `core.days.record_problem`.
BEFORE_BIRTH = gettext_lazy("The date is before the person was born.")
BEFORE_ADMISSION = gettext_lazy("The date is before the admission to the programme.")

AGE_OF_MAJORITY = 18
WORK_AGES = (14, 16)  # minimum ages in criteria: for training, and for running an enterprise


def age_on(birth: date | None, on: date) -> int | None:
    """Return the age in whole years on a day; None where the birth date isn't known."""
    return None if birth is None else years_between(birth, on)


def youngest_age(birth: date | None, precision: str, on: date) -> int | None:
    """Return the lowest age in whole years that the birth date allows; None where it isn't known.

    A month is taken as 32 days and a year as 366, so the age is never too high. Of somebody who was "about 15" on a day
    the birth date is the first possible one (`core.days.born_about`).
    """
    if birth and precision == DatePrecision.AGE:
        return max(years_between(last_born_about(birth), on), 0)
    doubt = {DatePrecision.MONTH: 31, DatePrecision.YEAR: 365}.get(DatePrecision(precision or "day"), 0)
    youngest = age_on(birth + timedelta(days=doubt) if birth else None, on)
    return None if youngest is None else max(youngest, 0)


def known_age(birth: date | None, precision: str, on: date) -> int | None:
    """Return the age in whole years for criteria: the lowest possible one, so that who may be 17 counts as a child.

    None where the birth date leaves open whether somebody has reached one of `WORK_AGES`.
    """
    oldest, youngest = age_on(birth, on), youngest_age(birth, precision, on)
    if oldest is None or youngest is None:
        return None
    return None if any(youngest < limit <= oldest for limit in WORK_AGES) else youngest


def age_words(birth: date | None, precision: str, on: date) -> int | str:
    """Return the age to be shown; where the birth date allows several ages, the first and the last in words."""
    oldest, youngest = age_on(birth, on), youngest_age(birth, precision, on)
    if oldest is None or youngest is None:
        return _("not known")
    if youngest >= oldest:
        return youngest
    words = {"youngest": youngest, "oldest": oldest}
    is_open = youngest < AGE_OF_MAJORITY <= oldest
    if oldest - youngest > 1:
        return (
            _("%(youngest)s to %(oldest)s, counts as a child") if is_open else _("%(youngest)s to %(oldest)s")
        ) % words
    if is_open:
        return _("%(youngest)s or %(oldest)s, counts as a child") % words
    return _("%(youngest)s or %(oldest)s") % words


def counts_as_child(birth: date | None, precision: str, on: date) -> bool:
    """Return whether the birth date allows that somebody is under 18 on a day. If in doubt they count as a child."""
    youngest = youngest_age(birth, precision, on)
    return youngest is not None and youngest < AGE_OF_MAJORITY


def consent_problem(*, given_by: str, reason: str, age: int | None) -> str:
    """Return why this consent isn't valid for a beneficiary of at least this age; "" where it is.

    A child never consents alone: a guardian and the child together do, or there is a best-interests decision where a
    guardian can't safely be asked (the guardian may be the trafficker).
    """
    is_child = age is not None and age < AGE_OF_MAJORITY
    if is_child and given_by == ConsentGiver.SELF:
        return _(
            "The person is, or may be, under 18 and can't consent alone. Go back to consent: ask a guardian "
            "and the child, or record a best-interests decision."
        )
    if age is not None and not is_child and given_by == ConsentGiver.GUARDIAN:
        return _("The person is 18 or older: the consent must be their own. Go back to consent.")
    if given_by == ConsentGiver.BEST_INTERESTS and not reason.strip():
        return _("Say why nobody could safely be asked.")
    return ""


def lasts_longer(until: date | None, *, former: date | None) -> bool:
    """Return whether a consent that is valid until a day lasts longer than before; None: without an end."""
    return former is not None and (until is None or until > former)


RISK_ORDER = (Risk.UNKNOWN, Risk.LOW, Risk.MEDIUM, Risk.HIGH)


def is_lower_risk(level: str, *, former: str) -> bool:
    """Return whether a risk level is lower than the former one."""
    return RISK_ORDER.index(Risk(level)) < RISK_ORDER.index(Risk(former))


def is_high_risk_news(level: str, *, former: str, source: str) -> bool:
    """Return whether others must be notified at once: the risk is newly high, or found high at a visit."""
    return level == Risk.HIGH and (former != Risk.HIGH or source == RiskSource.VISIT)


def transfer_answers(*, is_running: bool, receives: bool, leads: bool) -> list[str]:
    """Return the answers to an offer: the receiver accepts or declines, the lead takes it back."""
    if not is_running:
        return []
    answers: list[str] = [TransferState.ACCEPTED, TransferState.DECLINED] if receives else []
    return [*answers, TransferState.TAKEN_BACK] if leads else answers


def missing_primary(groups: Collection[str], primary: str) -> bool:
    """Return whether the main situation is missing among the chosen ones."""
    return primary not in groups


# How many cases read within an hour are reported to supervisors: in total, at night (22 to 5), and of beneficiaries
# with the reader's own family name.
UNUSUAL_FROM = {"many": 40, "night": 5, "name": 3}

# How often one case is offered, or referred to one organisation, in 24 hours: each time its users get notices.
SENT_A_DAY = 5

# Rows that one user exports in a day without approval; also enforced in beneficiaries/sql/080_exports.sql.
EXPORT_ROWS_A_DAY = 200
# Exports that one user asks for in a day; also enforced in beneficiaries/sql/080_exports.sql.
EXPORTS_A_DAY = 30
# Files that one user adds in a day; as in the trigger `document_starts`.
DOCUMENTS_A_DAY = 100
# Files of one user that are refused in an hour before no other one is checked: a check takes up to 15 seconds.
REFUSED_AN_HOUR = 10
# Rows of one export, even with approval: the workbook is made in memory (20,000 rows of 15 cells: 80 MB).
EXPORT_ROWS_AT_ONCE = 20_000
EXPORT_LIVES = timedelta(hours=24)
# Longer than a task can run: Celery ends it after 5 minutes.
EXPORT_LEASE = timedelta(minutes=6)
EXPORT_TRIES = 3


def needs_approval(rows: int, *, asked_today: int) -> bool:
    """Return whether a second user has to approve so many more rows on this day."""
    return asked_today + rows > EXPORT_ROWS_A_DAY
