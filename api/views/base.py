"""What every resource does the same way: read through scope, write through one operation."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import Http404
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import GenericViewSet

from accounts.choices import Permission
from accounts.queries import authority_of
from api import once
from api.problems import refusals
from api.serializers.base import Given, Nothing, PageQuery
from beneficiaries.models import Beneficiary
from core import audit


class Resource(GenericViewSet):
    """A kind of row, listed and shown one by one. `rows` says which of them a person sees."""

    path: ClassVar[str]  # in the address
    noun: ClassVar[str]  # in names of addresses and keys
    serializer_class: Any
    lookup_url_kwarg: str
    http_method_names = ["get", "head", "post"]
    lookup_value_converter = "uuid"
    query_class: ClassVar[type[PageQuery]] = PageQuery
    ordering: ClassVar[tuple[str, ...]] = ("id",)

    @staticmethod
    def rows(user: Any) -> QuerySet:
        raise NotImplementedError

    def get_queryset(self) -> QuerySet:
        return self.rows(self.request.user)

    def row(self, **keys: Any) -> Any:
        """The row of this address; what is hidden and what doesn't exist are one and the same."""
        found = self.get_queryset().filter(pk=self.kwargs[self.lookup_url_kwarg]).first()
        if found is None:
            raise Http404
        return found

    def list(self, request: Request) -> Response:
        """Rows that one sees, page by page. No total is told."""
        query = self.query_class(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        self.query = query.validated_data
        wanted = {name: value for name, value in self.query.items() if name not in PageQuery().fields}
        page = self.paginate_queryset(self.get_queryset().filter(**wanted)) or []
        answer = self.get_paginated_response(self.get_serializer(page, many=True).data)
        if self.is_about_people:
            audit.read(request, verb="list read", detail={"count": len(page), "filters": sorted(wanted)})
        return answer

    def retrieve(self, request: Request, **keys: Any) -> Response:
        """One row."""
        row = self.row()
        if self.is_about_people:
            case_id = None if isinstance(row, Beneficiary) else row.data_key_subject
            audit.read(request, verb="row read", obj=row, case_id=case_id)
        return Response(self.get_serializer(row).data)

    @property
    def is_about_people(self) -> bool:
        """Rows of cases and of people; reading them stands on record."""
        return hasattr(self.get_queryset().model, "data_key_subject")


class WrittenResource(Resource):
    """A resource with actions: each one operation, told what it needs by the serializer of `inputs`.

    `answers` names the resource of what an action makes, where it isn't a row of this one.
    """

    inputs: ClassVar[Mapping[str, type[Given]]] = {}
    answers: ClassVar[Mapping[str, type[Resource]]] = {}
    # Actions that may take the row out of their doer's own sight: told by an answer without a body.
    may_close_sight: ClassVar[tuple[str, ...]] = ()

    @property
    def kind(self) -> type[Resource]:
        return self.answers.get(self.action, type(self))

    @property
    def is_making(self) -> bool:
        """Whether the action makes a row, and doesn't just move one."""
        return self.action == "create" or self.action in self.answers

    def require(self, allowed: bool) -> None:
        """403 before the body is read, for who finds the thing and may not do the action."""
        if not allowed:
            raise PermissionDenied

    def require_writer(self) -> None:
        self.require(authority_of(self.request.user).may(Permission.WRITE_CASES))

    def run_once(
        self, request: Request, write: Callable[[dict[str, Any]], Model], *, about: Model | None = None
    ) -> Response:
        """Run one operation in a transaction of its own, once for each key, and show what it made."""
        given: BaseSerializer = self.inputs.get(self.action, Nothing)(
            data=request.data, context=self.get_serializer_context()
        )
        given.is_valid(raise_exception=True)
        purpose = f"api:{self.noun}:{self.action}" + (f":{about.pk}" if about else "")
        with refusals(given), transaction.atomic():
            key = once.run_once(request, purpose=purpose, action=lambda: write(given.validated_data))
        return self.shown(key)

    def shown(self, key: Any) -> Response:
        """What an action made or moved, as its doer sees it now; a new row with its address."""
        row = self.kind.rows(self.request.user).filter(pk=key).first()
        if row is None and self.action in self.may_close_sight:
            return Response(status=204)
        if row is None:
            raise Http404
        body = self.kind.serializer_class(row, context=self.get_serializer_context()).data
        if not self.is_making:
            return Response(body)
        return Response(
            body, status=201, headers={"Location": reverse(f"api:{self.kind.noun}-detail", args=[key])}
        )
