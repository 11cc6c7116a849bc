"""Guardian's permissions on a case with real foreign keys."""

from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase


class CaseUserObjectPermission(UserObjectPermissionBase):
    """A user's permission on a case."""

    content_object = models.ForeignKey("beneficiaries.Case", on_delete=models.CASCADE)

    class Meta(UserObjectPermissionBase.Meta):
        abstract = False
        app_label = "bench_guarded"


class CaseGroupObjectPermission(GroupObjectPermissionBase):
    """A group's permission on a case."""

    content_object = models.ForeignKey("beneficiaries.Case", on_delete=models.CASCADE)

    class Meta(GroupObjectPermissionBase.Meta):
        abstract = False
        app_label = "bench_guarded"
