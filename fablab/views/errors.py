"""Pages that are not there."""

from django.http import HttpRequest, HttpResponseNotFound, JsonResponse
from django.views.defaults import page_not_found
from rest_framework.exceptions import NotFound

from fablab.lib.api import as_problem


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseNotFound | JsonResponse:
    """A page for people; for programs, under /api/, the shape of the API's other errors."""
    if request.path.startswith("/api/"):
        return JsonResponse(as_problem(NotFound.default_code, str(NotFound.default_detail)), status=404)
    return page_not_found(request, exception)
