"""How a birth date is read while somebody types it."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from beneficiaries import rules
from core import bikram_sambat, days
from core.clock import now
from core.views import words_read


@login_required
@require_POST
def birth_read(request: HttpRequest) -> HttpResponse:
    """Answer with the day in the other calendar and the age today, or with what is wrong; it keeps nothing."""
    typed, calendar = request.POST.get("birth", ""), request.POST.get("birth_calendar", "")
    return words_read(_words(typed, "ad" if calendar == "ad" else "bs"))


def _words(typed: str, calendar: bikram_sambat.Calendar) -> str:
    """Return how a birth date is read; "" for an empty one."""
    if not typed.strip():
        return ""
    today = now().date()
    try:
        meant = days.answer(calendar, typed)
        found = days.birth_of(typed, calendar=calendar, today=today, meant=meant)
        problem = days.birth_problem(found.date, today=today)
        other = "" if problem else days.in_other_calendar(found)
    except bikram_sambat.NotADate as error:
        return str(error)
    age = rules.age_words(found.date, found.precision, today)
    return problem or _("%(day)s. Age: %(age)s") % {"day": other, "age": age}
