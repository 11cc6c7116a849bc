"""In the admin, fields that ask who takes over the open work of users whose access ends."""

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
    """Adds a field for each kind of open work to a page on which access may end; required only if it ends."""

    def leavers(self, obj: Any) -> tuple[Iterable[User], Iterable[Any]]:
        """Return the users whose access may end by changing this object, and the ids of the organisations."""
        raise NotImplementedError(f"{type(self).__name__} does not say whose access ends")

    def _open_work(self, obj: Any) -> list[UserWork]:
        return open_work_of_all(*self.leavers(obj)) if obj else []

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Add the fields."""
        open_work = self._open_work(obj)
        if open_work:
            users = list(self.leavers(obj)[0])
            fields = {work.name: receiver_field(work, users, required=False) for work in open_work}
            kwargs["form"] = type(self.form.__name__, (self.form,), fields)
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show the fields in a fieldset of their own."""
        fieldsets, open_work = super().get_fieldsets(request, obj), self._open_work(obj)
        if not open_work:
            return fieldsets
        description = _("Answer this if access ends. Access can't be ended without it.")
        names = [work.name for work in open_work]
        return [*fieldsets, (_("Open work"), {"fields": names, "description": description})]
