"""What every endpoint shares: pages by cursor, errors of one shape."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.exceptions import ValidationError as InvalidInput
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response
from rest_framework.views import exception_handler as default_handler

# Nearer the ends of the calendar, a week before or after cannot be told.
FIRST_YEAR, LAST_YEAR = 2000, 2200
# DRF's name for what is wrong with the whole of what was sent.
NOT_OF_A_FIELD = "non_field_errors"


class Instant(serializers.DateTimeField):
    """An instant that a lab could mean."""

    default_error_messages = {"calendar": _("Write a year from 2000 to 2200.")}

    def to_internal_value(self, value: Any) -> dt.datetime:
        try:
            instant = super().to_internal_value(value)
        except OverflowError:
            self.fail("calendar")
        if not FIRST_YEAR <= instant.year <= LAST_YEAR:
            self.fail("calendar")
        return instant


class Page(CursorPagination):
    """`?cursor=` and `?page_size=` (100, at most 1000); cursors are opaque."""

    page_size = 100
    max_page_size = 1000
    page_size_query_param = "page_size"

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> list[Any] | None:
        """The page's rows.

        Raises:
            NotFound: the cursor is none of ours.
        """
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValidationError, ValueError) as error:
            # A place in the list that is no value of the column it is sorted by.
            raise NotFound(self.invalid_cursor_message) from error


class Problem(serializers.Serializer[Any]):
    """Every error of the API but a refusal (409 with `denials`) and invalid input (400 by field)."""

    code = serializers.CharField(help_text="Stable; for programs.")
    detail = serializers.CharField(help_text="One sentence; for people.")


# 400: what is wrong, field by field; with the whole of it under `non_field_errors`.
INVALID = OpenApiResponse(
    {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
    description="What is wrong, field by field; what is wrong with the whole stands under `non_field_errors`.",
)


def problem(code: str, detail: str, *, status: int) -> Response:
    """An error as data, of the shape of `Problem`."""
    return Response(as_problem(code, detail), status=status)


def as_problem(code: str, detail: str) -> dict[str, str]:
    """The data of an error."""
    return {"code": code, "detail": detail}


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's own answers: invalid input always by field, all others as `Problem`; None for what it does not answer."""
    response = default_handler(error, context)
    if response is None:
        return None
    if isinstance(error, InvalidInput):
        response.data = dict(error.detail) if isinstance(error.detail, Mapping) else {NOT_OF_A_FIELD: error.detail}
    else:
        detail = response.data["detail"]
        response.data = as_problem(getattr(detail, "code", "error"), detail)
    return response
