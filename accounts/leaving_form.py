"""The questions where the work of somebody who leaves goes: one field for each kind of work that they carry."""

from collections.abc import Iterable
from functools import partial

from django import forms
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.queries import UserWork, holders, kind_of_work
from core.forms import OnceForm

SUPERVISORS = "supervisors"


def receiver_field(carried: UserWork, leavers: Iterable[User], *, required: bool) -> forms.TypedChoiceField:
    """To whom this work goes: somebody of the organisation who may do it, or the supervisors, who assign it (None)."""
    others = holders(kind_of_work(carried).permission, carried.organisation.pk).exclude(
        pk__in=[user.pk for user in leavers]
    )
    found = {str(user.pk): user for user in others}
    names = [(key, user.name) for key, user in found.items()]
    return forms.TypedChoiceField(
        label=f"{carried.label}, {carried.organisation.name}: {carried.count}",
        help_text=_("Who takes this over?") if required else _("Who takes this over, if access ends now?"),
        choices=[("", "–"), (SUPERVISORS, _("The supervisors, who will assign it")), *names],
        coerce=partial(dict.get, found),
        empty_value="",
        required=required,
        error_messages={"required": _("Choose who takes it over.")},
    )


def receivers_in(form: forms.BaseForm) -> dict[str, User | None]:
    """The answers that were given, as `accounts.operations.leaving` takes them."""
    given = form.cleaned_data
    return {name: given[name] for name in form.fields if name.startswith("to_") and given.get(name, "") != ""}


class LeavingForm(OnceForm):
    """Ends somebody's access, and asks where what they carry goes."""

    def __init__(self, *args, leaver: User, carried: list[UserWork], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        for item in carried:
            self.fields[item.name] = receiver_field(item, [leaver], required=True)
