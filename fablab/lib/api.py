"""What every endpoint shares: pages by cursor, errors of one shape."""

import datetime as dt
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response
from rest_framework.views import exception_handler as default_handler

# Nearer the ends of the calendar, a week before or after cannot be told.
FIRST_YEAR, LAST_YEAR = 2000, 2200


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


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's own answers, with a stable `code` beside the sentence where there is only one."""
    response = default_handler(error, context)
    if response is not None and isinstance(response.data, dict) and set(response.data) == {"detail"}:
        response.data["code"] = getattr(response.data["detail"], "code", "error")
    return response
