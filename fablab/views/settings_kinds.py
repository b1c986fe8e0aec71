"""Settings of the whole lab: categories with their booking rules, and qualifications."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from fablab.templatetags.shell import icon
from fablab.views.roles import for_role
from fablab.views.settings_places import parts_of, refusals_beside
from machines.errors import MachinesError
from machines.forms import ICONS, CategoryForm, QualificationForm
from machines.models import Category, Machine, Qualification
from machines.qualification_kind_services import create_qualification, remove_qualification, update_qualification
from machines.services import create_category, remove_category, update_category
from people.lab import current_lab
from people.models import Module, Site
from people.permissions import is_administrator, is_manager
from people.signed_in import signed_in


@dataclass(frozen=True, slots=True)
class _Kind:
    """What the pages of categories differ in from those of qualifications: both are made, changed and removed alike."""

    name: str  # Of the argument of its services, and in the names of its pages.
    pages: str
    form: Callable[..., Any]
    create: Callable[..., object]
    update: Callable[..., object]
    remove: Callable[..., object]
    used_by: Callable[[Any], Q]  # Of machines.
    lead: Callable[[Any], str]
    to_all: Promise
    add: Promise
    added: Promise
    saved: Promise
    removal: Promise
    question: Promise
    removed: Promise

    @property
    def back(self) -> dict[str, Any]:
        return {"url": reverse(self.pages), "words": self.to_all}


def _category_form(data: Any, instance: Category | None = None) -> CategoryForm:
    form = CategoryForm(data, instance=instance)
    if not current_lab().has(Module.DESK):
        # Kept as they are: only a desk gives seats, and hands things over.
        del form.fields["is_seat"], form.fields["is_lent"]
    field: Any = form.fields["icon"]
    field.choices = [(name, format_html("{} {}", icon(name, 22), words)) for name, words in ICONS.items()]
    return form


def _machines_of(category: Category) -> str:
    machines = category.machines.filter(retired_at=None).order_by("name")
    names = ", ".join(machine.name for machine in machines)
    return gettext("Machines of this category: %(names)s.") % {"names": names} if names else ""


CATEGORY = _Kind(
    name="category",
    pages="settings-categories",
    form=_category_form,
    create=create_category,
    update=update_category,
    remove=remove_category,
    used_by=lambda category: Q(category=category),
    lead=_machines_of,
    to_all=_("Categories"),
    add=_("Add a category"),
    added=_("The category is added."),
    saved=_("Saved. It holds for new reservations; those that exist stay as they are."),
    removal=_("Remove the category"),
    question=_("Its booking rules are deleted. A category with machines stays."),
    removed=_("The category is removed."),
)
QUALIFICATION = _Kind(
    name="qualification",
    pages="settings-qualifications",
    form=QualificationForm,
    create=create_qualification,
    update=update_qualification,
    remove=remove_qualification,
    used_by=lambda qualification: Q(qualification=qualification) | Q(category__qualification=qualification),
    lead=lambda qualification: "",
    to_all=_("Qualifications"),
    add=_("Add a qualification"),
    added=_("Added. Now choose it in the categories that ask for it."),
    saved=_("Saved."),
    removal=_("Remove the qualification"),
    question=_("Nobody can be granted it any more. One that is asked for or held stays."),
    removed=_("The qualification is removed."),
)


@for_role(is_manager)
def categories(request: HttpRequest) -> HttpResponse:
    """The kinds of machines, with their rules in short."""
    in_use = Count("machines", filter=Q(machines__retired_at=None))
    rows = Category.objects.select_related("qualification").annotate(count=in_use).order_by("position", "slug")
    return render(request, "fablab/settings/categories.html", {"categories": rows})


@for_role(is_manager)
def category_new(request: HttpRequest) -> HttpResponse:
    return _add(request, CATEGORY)


@for_role(is_manager)
def category(request: HttpRequest, slug: str) -> HttpResponse:
    """Its names and every booking rule."""
    return _change(request, CATEGORY, get_object_or_404(Category, slug=slug))


@require_POST
@for_role(is_manager)
def category_remove(request: HttpRequest, slug: str) -> HttpResponse:
    return _remove(request, CATEGORY, get_object_or_404(Category, slug=slug))


@for_role(is_manager)
def qualifications(request: HttpRequest) -> HttpResponse:
    """What one must have learnt, for which machines."""
    rows = Qualification.objects.prefetch_related("categories", "machines").order_by("slug")
    return render(request, "fablab/settings/qualifications.html", {"qualifications": rows})


@for_role(is_manager)
def qualification_new(request: HttpRequest) -> HttpResponse:
    return _add(request, QUALIFICATION)


@for_role(is_manager)
def qualification(request: HttpRequest, slug: str) -> HttpResponse:
    """Its names and how to get it."""
    return _change(request, QUALIFICATION, get_object_or_404(Qualification, slug=slug))


@require_POST
@for_role(is_manager)
def qualification_remove(request: HttpRequest, slug: str) -> HttpResponse:
    return _remove(request, QUALIFICATION, get_object_or_404(Qualification, slug=slug))


def _add(request: HttpRequest, kind: _Kind) -> HttpResponse:
    form = kind.form(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form):
            kind.create(by=signed_in(request), **form.cleaned_data)
            messages.success(request, str(kind.added))
            return redirect(kind.pages)
    context = {"title": kind.add, "parts": parts_of(form), "form": form, "back": kind.back}
    return render(request, "fablab/settings/edit.html", context)


def _change(request: HttpRequest, kind: _Kind, found: Category | Qualification) -> HttpResponse:
    # What is written does not show in the title before it is kept.
    title, lead = found.name, kind.lead(found)
    form = kind.form(request.POST or None, instance=found)
    if others := _others(request, kind.used_by(found)):
        return _read_only(request, title, form, others, kind.back)
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form):
            kind.update(**{kind.name: form.instance}, by=signed_in(request), **form.cleaned_data)
            messages.success(request, str(kind.saved))
            return redirect(kind.pages)
    context = {
        "title": title,
        "lead": lead,
        "parts": parts_of(form),
        "form": form,
        "back": kind.back,
        "remove": {
            "url": reverse(f"settings-{kind.name}-remove", args=[found.slug]),
            "words": kind.removal,
            "question": kind.question,
        },
    }
    return render(request, "fablab/settings/edit.html", context)


def _remove(request: HttpRequest, kind: _Kind, found: Category | Qualification) -> HttpResponse:
    try:
        kind.remove(**{kind.name: found}, by=signed_in(request))
    except MachinesError as refused:
        messages.error(request, refused.sentence)
        return redirect(f"settings-{kind.name}", found.slug)
    messages.success(request, str(kind.removed))
    return redirect(kind.pages)


def _others(request: HttpRequest, using: Q) -> list[Site]:
    """Places with machines that use it and that the person does not manage; none for an administrator."""
    if is_administrator(request.user):
        return []
    sites = Site.objects.filter(units__machine__in=Machine.objects.filter(using, retired_at=None))
    return [site for site in sites.order_by("name").distinct() if not is_manager(request.user, site)]


def _read_only(
    request: HttpRequest, title: str, form: ModelForm, others: Sequence[Site], back: dict[str, Any]
) -> HttpResponse:
    """What holds, with the sentence that says why the person cannot change it."""
    if request.method == "POST":
        raise PermissionDenied
    lead = gettext(
        "Machines at %(places)s use it too: only somebody who manages these places, or an administrator, changes it."
    )
    words = lead % {"places": ", ".join(site.name for site in others)}
    context = {"title": title, "lead": words, "parts": parts_of(form), "form": form, "back": back}
    return render(request, "fablab/settings/kind_read_only.html", context)
