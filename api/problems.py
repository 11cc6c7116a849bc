"""Errors as RFC 9457's `application/problem+json`, with a list of fields."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError, IntegrityError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from beneficiaries.operations.case import CaseNotClosable
from beneficiaries.operations.correction import ChangedMeanwhile
from beneficiaries.operations.referral import ReferralActionRefused
from beneficiaries.operations.transfer import TransferActionRefused
from core.integrity import violated
from projects.operations import NotEnoughLeft
from reintegration.operations.grant import GrantActionRefused

logger = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
# Errors of operations that depend on the present state and not on the input.
CONFLICTS = (CaseNotClosable, GrantActionRefused, NotEnoughLeft, ReferralActionRefused, TransferActionRefused)
NO_SUCH_THING = "There is nothing here, or nothing that you may see."


class Conflict(exceptions.APIException):
    """409: the present state doesn't allow this."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "Something changed in the meantime. Read it again, then retry."
    default_code = "conflict"

    def __init__(self, detail: str | None = None, **more: Any) -> None:
        """`more`: members that the problem has beside those of every problem."""
        super().__init__(detail)
        self.more = more


def fields_of(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Yield each message with the path of its field, parts joined by dots; "" is the body as a whole."""
    if isinstance(detail, Mapping):
        for name, below in detail.items():
            own = str(name) not in ("non_field_errors", NON_FIELD_ERRORS)
            yield from fields_of(below, ".".join(part for part in (path, str(name) if own else "") if part))
    elif isinstance(detail, list):
        for below in detail:
            yield from fields_of(below, path)
    else:
        yield {"field": path, "message": str(detail)}


def problem(code: int, detail: str, errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    """Return the body of a problem. Nothing in it differs between what is hidden and what doesn't exist."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(code).phrase,
        "status": code,
        "detail": detail,
        "errors": errors or [],
    }


def answer(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Return the response to an exception of a view; None for an unexpected one."""
    if isinstance(error, Http404):
        error = exceptions.NotFound(NO_SUCH_THING)
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if not isinstance(error, exceptions.APIException):
        return None
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]
    errors: list[dict[str, str]] = []
    detail = str(error.detail) if isinstance(error.detail, str) else ""
    if not detail:
        errors = list(fields_of(error.detail))
        detail = (
            "What was sent can't be taken: see the fields." if errors[0]["field"] else errors[0]["message"]
        )
    return Response(
        problem(error.status_code, detail, errors) | getattr(error, "more", {}),
        status=error.status_code,
        headers=headers,
        content_type=MEDIA_TYPE,
    )


@contextmanager
def as_api_errors(given: BaseSerializer) -> Iterator[None]:
    """Turn errors of operations and of the database into API errors, at the fields that they are about."""
    try:
        yield
    except CONFLICTS as error:
        raise Conflict(" ".join(error.messages)) from error
    except ChangedMeanwhile:
        raise
    except DjangoValidationError as error:
        messages = error.message_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.messages}
        raise exceptions.ValidationError(
            {field_path(name, given): texts for name, texts in messages.items()}
        ) from error
    except IntegrityError as error:
        # A constraint was violated that the rules had checked: a concurrent request was faster.
        logger.warning("api write refused by %s", violated(error))
        raise Conflict from error
    except DataError as error:
        raise exceptions.ValidationError({NON_FIELD_ERRORS: ["A value is out of range."]}) from error


def field_path(name: str, given: BaseSerializer) -> str:
    """Return the path of a field that an operation names: at the top, in a part, or NON_FIELD_ERRORS."""
    fields = getattr(given, "fields", {})
    if name in fields:
        return name
    found = (part for part, field in fields.items() if name in getattr(field, "fields", {}))
    part = next(found, "")
    return f"{part}.{name}" if part else NON_FIELD_ERRORS
