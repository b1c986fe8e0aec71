"""What every page's frame shows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from people.permissions import is_manager, is_staff


def shell(request: HttpRequest) -> dict[str, Any]:
    """The lab's name, and which doors stand open for this person. One query, for those signed in."""
    person = getattr(request, "user", None)
    is_signed_in = bool(person and person.is_authenticated)
    return {
        "lab_name": settings.LAB_NAME,
        "is_demo": settings.IS_DEMO,
        "may_manage": is_signed_in and is_manager(person),
        "may_welcome": is_signed_in and is_staff(person),
        "upload_max_mb": settings.UPLOAD_MAX_MB,
    }
