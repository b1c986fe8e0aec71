"""What every page's frame shows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from fablab.lib.outgoing_mail import sends_mail
from fablab.second_factor import passkeys_work
from fablab.troubles import troubles
from people.lab import current_lab
from people.models import Module
from people.notices.inbox import unread_count
from people.permissions import is_manager, is_staff
from people.signed_in import signed_in
from reservations.requests import first_and_count


def shell(request: HttpRequest) -> dict[str, Any]:
    """The lab's name, and which doors stand open for this person. One query, for those signed in."""
    person = getattr(request, "user", None)
    is_signed_in = bool(person and person.is_authenticated)
    lab = current_lab()
    may_welcome = is_signed_in and is_staff(person)
    return {
        "lab": lab,
        "lab_name": lab.name or settings.LAB_NAME,
        # {% if modules.printing %}: a module that is off leaves no word on any page.
        "modules": {module.value: lab.has(module) for module in Module},
        "is_demo": settings.IS_DEMO,
        "may_manage": is_signed_in and is_manager(person),
        "may_welcome": may_welcome,
        # Asked only by the pages that show it.
        "troubles": SimpleLazyObject(lambda: troubles(timezone.now()) if may_welcome else []),
        "requests_waiting": SimpleLazyObject(lambda: _requests_waiting(request) if may_welcome else 0),
        # The frame shows it; parts of pages ask for nothing.
        "unread_messages": SimpleLazyObject(lambda: _unread(person) if is_signed_in else 0),
        "sends_mail": sends_mail(),
        # Asked only there too: an address that nobody may use has no answer.
        "passkeys_work": SimpleLazyObject(lambda: passkeys_work(request)),
        "upload_max_mb": settings.UPLOAD_MAX_MB,
    }


def _requests_waiting(request: HttpRequest) -> int:
    return first_and_count(staff=signed_in(request), now=timezone.now())[1]


def _unread(person: Any) -> int:
    return unread_count(person=person, now=timezone.now())
