"""What every endpoint shares: pages by cursor, errors of one shape."""

from typing import Any

from rest_framework.pagination import CursorPagination
from rest_framework.response import Response
from rest_framework.views import exception_handler as default_handler


class Page(CursorPagination):
    """`?cursor=` and `?page_size=` (100, at most 1000); cursors are opaque."""

    page_size = 100
    max_page_size = 1000
    page_size_query_param = "page_size"


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's own answers, with a stable `code` beside the sentence where there is only one."""
    response = default_handler(error, context)
    if response is not None and isinstance(response.data, dict) and set(response.data) == {"detail"}:
        response.data["code"] = getattr(response.data["detail"], "code", "error")
    return response
