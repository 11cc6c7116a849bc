"""In the admin, too, whoever ends access says who takes over what is carried."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.leaving_form import receiver_field
from accounts.models import User
from accounts.queries import UserWork, open_work_of_all

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin as Base
else:
    Base = object


class LeavingMixin(Base):
    """The questions stand on the page where access may end; they are answered where it does.

    `leavers` says whose access ends by what is changed on the page of this object, and in which organisations.
    """

    def leavers(self, obj: Any) -> tuple[Iterable[User], Iterable[Any]]:
        raise NotImplementedError(f"{type(self).__name__} does not say whose access ends")

    def _carried(self, obj: Any) -> list[UserWork]:
        return open_work_of_all(*self.leavers(obj)) if obj else []

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        carried = self._carried(obj)
        if carried:
            users = list(self.leavers(obj)[0])
            asked = {item.name: receiver_field(item, users, required=False) for item in carried}
            kwargs["form"] = type(self.form.__name__, (self.form,), asked)
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets, carried = super().get_fieldsets(request, obj), self._carried(obj)
        if not carried:
            return fieldsets
        description = _("Answer this if access ends. Access can't be ended without it.")
        names = [item.name for item in carried]
        return [*fieldsets, (_("Open work"), {"fields": names, "description": description})]
