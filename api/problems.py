"""Everything that goes wrong, told one way: RFC 9457's `application/problem+json`, with a list of fields."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied
from django.core.exceptions import ValidationError as Refusal
from django.db import DataError, IntegrityError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from beneficiaries.operations import CaseNotClosable, ReferralActionRefused, TransferActionRefused
from core.integrity import violated
from projects.operations import NotEnoughLeft
from reintegration.operations.grant import GrantActionRefused

logger = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
# What an operation refuses because of where a thing stands by now, and not because of what was sent.
OVERTAKEN = (CaseNotClosable, GrantActionRefused, NotEnoughLeft, ReferralActionRefused, TransferActionRefused)
NO_SUCH_THING = "There is nothing here, or nothing that you may see."


class Conflict(exceptions.APIException):
    """What was asked doesn't fit what is there by now."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "Something changed in the meantime. Read it again, then retry."
    default_code = "conflict"


def fields_of(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Each message with the way to its field, parts joined by dots; "" is the body as a whole."""
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
    """The body of a problem: nothing in it differs between what is hidden and what doesn't exist."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(code).phrase,
        "status": code,
        "detail": detail,
        "errors": errors or [],
    }


def answer(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """What an exception of a view is answered with; None where it is a fault of ours."""
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
        problem(error.status_code, detail, errors),
        status=error.status_code,
        headers=headers,
        content_type=MEDIA_TYPE,
    )


@contextmanager
def refusals(given: BaseSerializer) -> Iterator[None]:
    """What an operation or the database refuses, told as the API tells it, at the field that it is about."""
    try:
        yield
    except OVERTAKEN as error:
        raise Conflict(" ".join(error.messages)) from error
    except Refusal as error:
        messages = error.message_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.messages}
        raise exceptions.ValidationError(
            {way_to(name, given): texts for name, texts in messages.items()}
        ) from error
    except IntegrityError as error:
        # A constraint caught what a rule let through: somebody else was a moment faster.
        logger.warning("api write refused by %s", violated(error))
        raise Conflict from error
    except DataError as error:
        raise exceptions.ValidationError({NON_FIELD_ERRORS: ["A value is out of range."]}) from error


def way_to(name: str, given: BaseSerializer) -> str:
    """Where the body has the field that an operation names: at the top, in a part of it, or nowhere."""
    fields = getattr(given, "fields", {})
    if name in fields:
        return name
    found = (part for part, field in fields.items() if name in getattr(field, "fields", {}))
    part = next(found, "")
    return f"{part}.{name}" if part else NON_FIELD_ERRORS
