"""Which pages belong to a module, so that one that is off is gone: its menu, pages, API and words."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from people.lab import current_lab
from people.models import Module

MODULE_OF: dict[str, Module] = {
    "machine-prints": Module.PRINTING,
    "machine-bed-clear": Module.PRINTING,
    "manage-bed-clear": Module.PRINTING,
    "api-print-jobs": Module.PRINTING,
    "api-print-job": Module.PRINTING,
    "api-print-job-action": Module.PRINTING,
    "machine-start": Module.DEVICES,
    "machine-stop": Module.DEVICES,
    "manage-run": Module.DEVICES,
    "manage-runs": Module.DEVICES,
    "run-mine": Module.DEVICES,
    "run-undo": Module.DEVICES,
    "badge-lost": Module.DEVICES,
    "people-badges": Module.DEVICES,
    "people-badge-wait": Module.DEVICES,
    "people-badge-block": Module.DEVICES,
    "api-devices": Module.DEVICES,
    "api-usage-sessions": Module.DEVICES,
    "board": Module.BOARD,
    "tokens": Module.API,
    "token-revoke": Module.API,
    "api-docs": Module.API,
    "api-schema": Module.API,
}


def module_of(url_name: str) -> Module | None:
    """The module an address belongs to, or None for what every lab has. An agent's enrolment belongs to devices."""
    known = MODULE_OF.get(url_name)
    if known is not None:
        return known
    if url_name == "api-enrol":
        return Module.DEVICES
    for prefix, module in PREFIXES:
        if url_name.startswith(prefix):
            return module
    return None


PREFIXES = (
    ("desk", Module.DESK),
    ("kiosk", Module.KIOSK),
    ("manage-kiosk", Module.KIOSK),
    ("team", Module.TEAMS),
    ("manage-team", Module.TEAMS),
    ("manage-device", Module.DEVICES),
    ("manage-access", Module.DEVICES),
    ("settings-device", Module.DEVICES),
    ("settings-access", Module.DEVICES),
    ("settings-printer", Module.PRINTING),
    ("print-", Module.PRINTING),
    ("me-print", Module.PRINTING),
    ("manage-print", Module.PRINTING),
    ("manage-spool", Module.PRINTING),
    # With the module for programs off there are no keys either.
    ("slicer-", Module.PRINTING),
    ("api-", Module.API),
)


def is_gone(url_name: str) -> bool:
    """Whether the address belongs to a module that is off."""
    names = [module_of(url_name)]
    # Programs reach a module through the API: both must be on. An agent's enrolment is no program's.
    if url_name.startswith("api-") and url_name != "api-enrol":
        names.append(Module.API)
    if url_name.startswith("print-team"):
        names.append(Module.TEAMS)
    wanted = [name for name in names if name is not None]
    # Asked only where a module is named: whether the process lives is told without the database.
    return bool(wanted) and not all(current_lab().has(name) for name in wanted)


class ModulesOffAreGone:
    """404 for the pages of a module that is off, as if they had never been."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        match = request.resolver_match
        if match and is_gone(match.url_name or ""):
            raise Http404
