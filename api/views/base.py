"""Base of all resources: read through scope, write through one operation."""

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

from accounts.authority import authority_of
from accounts.choices import Permission
from api import once
from api.problems import Conflict, as_api_errors
from api.serializers import InputSerializer, NoInput, PageQuery
from beneficiaries.models import Beneficiary, IdentityDocument
from beneficiaries.operations.correction import ChangedMeanwhile
from core import audit


class Resource(GenericViewSet):
    """A kind of row, as a list and one by one. `rows` returns those that the user may see."""

    path: ClassVar[str]  # in the URL
    noun: ClassVar[str]  # in URL names and idempotency purposes
    serializer_class: Any
    lookup_url_kwarg: str
    http_method_names = ["get", "head", "post"]
    lookup_value_converter = "uuid"
    query_class: ClassVar[type[PageQuery]] = PageQuery
    ordering: ClassVar[tuple[str, ...]] = ("id",)

    @staticmethod
    def rows(user: Any) -> QuerySet:
        """Return the rows that the user may see."""
        raise NotImplementedError

    def get_queryset(self) -> QuerySet:
        """Return `rows` for the user of the request."""
        return self.rows(self.request.user)

    def row(self, **keys: Any) -> Any:
        """Return the row of this URL; 404 both for a hidden one and for a missing one."""
        found = self.get_queryset().filter(pk=self.kwargs[self.lookup_url_kwarg]).first()
        if found is None:
            raise Http404
        return found

    def list(self, request: Request) -> Response:
        """List the rows that one may see, page by page, without a total."""
        query = self.query_class(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        self.query = query.validated_data
        wanted = {name: value for name, value in self.query.items() if name not in PageQuery().fields}
        page = self.paginate_queryset(self.get_queryset().filter(**wanted)) or []
        answer = self.get_paginated_response(self.get_serializer(page, many=True).data)
        if self.is_personal:
            audit.read(request, verb="list read", detail={"count": len(page), "filters": sorted(wanted)})
        return answer

    def retrieve(self, request: Request, **keys: Any) -> Response:
        """Show one row."""
        row = self.row()
        if self.is_personal:
            is_of_case = not isinstance(row, Beneficiary | IdentityDocument)
            case_id = row.data_key_subject if is_of_case else None
            audit.read(request, verb="row read", obj=row, case_id=case_id)
        return Response(self.get_serializer(row).data)

    @property
    def is_personal(self) -> bool:
        """Whether rows are about beneficiaries; reading them is put on the audit log."""
        return hasattr(self.get_queryset().model, "data_key_subject")


class WrittenResource(Resource):
    """A resource with actions. Each is one operation; `inputs` has the serializer of its input.

    `answers` has the resource of the row that an action creates, where it isn't this one.
    """

    inputs: ClassVar[Mapping[str, type[InputSerializer]]] = {}
    answers: ClassVar[Mapping[str, type[Resource]]] = {}
    # Actions after which the user may have no more access to the row: then the response is a 204.
    may_lose_access: ClassVar[tuple[str, ...]] = ()

    @property
    def answer_resource(self) -> type[Resource]:
        """The resource of the row in the response."""
        return self.answers.get(self.action, type(self))

    @property
    def creates_row(self) -> bool:
        """Whether the action creates a row, and doesn't only change one."""
        return self.action == "create" or self.action in self.answers

    def require(self, allowed: bool) -> None:
        """Raise PermissionDenied (403) unless allowed, before the body is parsed."""
        if not allowed:
            raise PermissionDenied

    def require_writer(self) -> None:
        """Require that the user writes cases somewhere."""
        self.require(authority_of(self.request.user).may(Permission.WRITE_CASES))

    def run_once(
        self, request: Request, write: Callable[[dict[str, Any]], Model], *, about: Model | None = None
    ) -> Response:
        """Validate the input, run one operation in a transaction, once for each idempotency key, and show its row.

        `about` is the row that the action changes.
        """
        serializer: BaseSerializer = self.inputs.get(self.action, NoInput)(
            data=request.data, context=self.get_serializer_context()
        )
        serializer.is_valid(raise_exception=True)
        purpose = f"api:{self.noun}:{self.action}" + (f":{about.pk}" if about else "")
        with as_api_errors(serializer), transaction.atomic():
            pk = once.run_once(request, purpose=purpose, action=lambda: write(serializer.validated_data))
        return self.row_response(pk)

    def correct(
        self,
        request: Request,
        write: Callable[[dict[str, Any]], Model],
        *,
        about: Model | None = None,
        read: Callable[[], Any],
    ) -> Response:
        """Run a correction as `run_once` does; 409 with both versions where the record was corrected meanwhile.

        `read`: the record as it is now, as this user reads it.
        """
        try:
            return self.run_once(request, write, about=about)
        except ChangedMeanwhile as error:
            raise Conflict(" ".join(error.messages), current=read(), sent=request.data) from error

    def row_response(self, pk: Any) -> Response:
        """Return the response with the row as the user sees it now; for a new row with its URL."""
        row = self.answer_resource.rows(self.request.user).filter(pk=pk).first()
        if row is None and self.action in self.may_lose_access:
            return Response(status=204)
        if row is None:
            raise Http404
        body = self.answer_resource.serializer_class(row, context=self.get_serializer_context()).data
        if not self.creates_row:
            return Response(body)
        return Response(
            body,
            status=201,
            headers={"Location": reverse(f"api:{self.answer_resource.noun}-detail", args=[pk])},
        )
