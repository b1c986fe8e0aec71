"""What the settings pages share: which site one stands at, a form in parts, and refusals shown beside the fields."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.forms.boundfield import BoundField
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.functional import Promise

from iot.device_services import DeviceError
from machines.errors import MachinesError
from machines.models import Machine
from people.errors import NotValid, PeopleError
from people.models import Site
from people.permissions import is_manager
from people.selectors import managed_sites
from people.signed_in import signed_in

Sentence = str | Promise
Predicate = Callable[[Any, Any], bool]


def site_there(request: HttpRequest, slug: str, predicate: Predicate = is_manager) -> Site:
    """The site of the address, where the person must have the role; 404 without such a site, 403 without the role."""
    site = get_object_or_404(Site, slug=slug)
    if not predicate(request.user, site):
        raise PermissionDenied
    return site


def machine_there(request: HttpRequest, slug: str) -> Machine:
    """The machine of the address, retired ones included, which the person must manage."""
    machine = get_object_or_404(Machine.objects.with_places(), slug=slug)
    if not is_manager(request.user, machine):
        raise PermissionDenied
    return machine


def own_machines(request: HttpRequest) -> QuerySet[Machine]:
    """Those of the sites that the person manages, by name; retired ones are left out."""
    sites = managed_sites(signed_in(request))
    return Machine.objects.filter(unit__site__in=sites, retired_at=None).order_by("name")


@dataclass(frozen=True, slots=True)
class Part:
    """Some fields of a form under one heading, for fablab/_form.html."""

    title: Sentence
    form: forms.BaseForm
    names: Sequence[str]

    @property
    def hidden_fields(self) -> list[BoundField]:
        return []

    @property
    def visible_fields(self) -> list[BoundField]:
        return [self.form[name] for name in self.names if name in self.form.fields]

    @property
    def examples(self) -> Mapping[str, Sentence]:
        return getattr(self.form, "examples", {})

    @property
    def has_values(self) -> bool:
        return any(self.form.initial.get(name) not in (None, "") for name in self.names)

    @property
    def has_errors(self) -> bool:
        return any(name in self.form.errors for name in self.names)


def parts_of(form: forms.BaseForm) -> list[Part]:
    """The form under the headings it names itself, else in one part without one."""
    named = getattr(form, "parts", None) or (("", tuple(form.fields)),)
    return [Part(title, form, names) for title, names in named]


@contextmanager
def refusals_beside(form: forms.BaseForm) -> Iterator[None]:
    """What a service refuses inside becomes errors of the form, so that nothing typed is lost."""
    try:
        yield
    except ValidationError as refused:
        by_field = refused.message_dict if hasattr(refused, "error_dict") else {NON_FIELD_ERRORS: refused.messages}
        for name, messages in by_field.items():
            form.add_error(name if name in form.fields else None, messages)  # type: ignore[arg-type]
    except NotValid as refused:
        form.add_error(refused.field if refused.field in form.fields else None, str(refused.sentence))
    except (MachinesError, PeopleError, DeviceError) as refused:
        form.add_error(None, str(refused.sentence))
