"""The person behind a request, for views that are entered only by somebody who is signed in."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from rest_framework.request import Request

from people.models import Person


def signed_in(request: HttpRequest | Request) -> Person:
    """The person who is signed in.

    Raises:
        PermissionDenied: nobody is, so the view lets in more than it should.
    """
    person = request.user
    if not isinstance(person, Person):
        raise PermissionDenied
    return person
