"""The first password stands on a slip of paper that somebody else printed: it is replaced before anything else."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from fablab.second_factor import is_open
from people.handed_out import has_handed_out_password
from people.models import Person


class FirstPasswordIsReplaced:
    """Until they have chosen their own, every page leads to the one where it is chosen. After the second key."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        person = request.user
        if is_open(request) or not isinstance(person, Person) or not has_handed_out_password(person):
            return None
        if request.path.startswith("/api/"):
            return JsonResponse({"detail": _("Choose a password of your own first.")}, status=403)
        page = reverse("account_change_password")
        # What was being sent is lost on the way: only a page that is read can be gone back to.
        is_page = request.method == "GET" and not request.headers.get("HX-Request")
        return redirect(f"{page}?{urlencode({'next': request.get_full_path()})}" if is_page else page)
