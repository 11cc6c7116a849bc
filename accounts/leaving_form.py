"""Form fields that ask who takes over the open work of a user who leaves, one for each kind of work."""

from collections.abc import Iterable
from functools import partial

from django import forms
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.queries import UserWork, holders, kind_of_work
from core.forms import OnceForm

SUPERVISORS = "supervisors"


def receiver_field(work: UserWork, leavers: Iterable[User], *, required: bool) -> forms.TypedChoiceField:
    """Return a choice of users who may do this work, and of the supervisors, who assign it (cleaned to None)."""
    others = holders(kind_of_work(work).permission, work.organisation.pk).exclude(
        pk__in=[user.pk for user in leavers]
    )
    found = {str(user.pk): user for user in others}
    names = [(user_id, user.name) for user_id, user in found.items()]
    return forms.TypedChoiceField(
        label=f"{work.label}, {work.organisation.name}: {work.count}",
        help_text=_("Who takes this over?") if required else _("Who takes this over, if access ends now?"),
        choices=[("", "–"), (SUPERVISORS, _("The supervisors, who will assign it")), *names],
        coerce=partial(dict.get, found),
        empty_value="",
        required=required,
        error_messages={"required": _("Choose who takes it over.")},
    )


def receivers_in(form: forms.BaseForm) -> dict[str, User | None]:
    """Return the answers as the argument `to` of `accounts.operations`."""
    given = form.cleaned_data
    return {name: given[name] for name in form.fields if name.startswith("to_") and given.get(name, "") != ""}


class LeavingForm(OnceForm):
    """The form to end a user's access, which asks who takes over their open work."""

    def __init__(self, *args, leaver: User, open_work: list[UserWork], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        for work in open_work:
            self.fields[work.name] = receiver_field(work, [leaver], required=True)
