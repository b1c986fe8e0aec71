"""Doors: which pages are for whom. Whether a thing stands at one of their sites is asked by each view."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from people.permissions import is_administrator, is_manager

View = Callable[..., HttpResponse]
# For whom the page would be: 403.html says it to somebody who is of the team already.
WANTED: dict[Callable[[Any], bool], str] = {is_manager: "manager", is_administrator: "administrator"}


def for_role(predicate: Callable[[Any], bool]) -> Callable[[View], View]:
    """Signed in, and of the team: else the sign-in page, or 403."""

    def decorate(view: View) -> View:
        @wraps(view)
        @login_required
        def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not predicate(request.user):
                raise PermissionDenied(WANTED.get(predicate, ""))
            return view(request, *args, **kwargs)

        return wrapper

    return decorate
