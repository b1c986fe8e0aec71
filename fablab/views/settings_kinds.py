"""Settings of the whole lab: categories with their booking rules, and qualifications."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Model, Q
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.templatetags.shell import icon
from fablab.views.roles import for_role
from fablab.views.settings_places import parts_of, refusals_beside
from machines.errors import MachinesError
from machines.forms import ICONS, CategoryForm, QualificationForm
from machines.models import Category, Machine, Qualification
from machines.qualification_kind_services import create_qualification, remove_qualification, update_qualification
from machines.services import create_category, remove_category, update_category
from people.models import Site
from people.permissions import is_administrator, is_manager
from people.signed_in import signed_in

EDIT = "fablab/settings/edit.html"


@for_role(is_manager)
def categories(request: HttpRequest) -> HttpResponse:
    """The kinds of machines, with their rules in short."""
    in_use = Count("machines", filter=Q(machines__retired_at=None))
    rows = Category.objects.select_related("qualification").annotate(count=in_use).order_by("position", "slug")
    return render(request, "fablab/settings/categories.html", {"categories": rows})


def _category_form(request: HttpRequest, instance: Category | None = None) -> CategoryForm:
    form = CategoryForm(request.POST or None, instance=instance)
    field: Any = form.fields["icon"]
    field.choices = [(name, format_html("{} {}", icon(name, 22), words)) for name, words in ICONS.items()]
    return form


@for_role(is_manager)
def category_new(request: HttpRequest) -> HttpResponse:
    form = _category_form(request)
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form):
            create_category(by=signed_in(request), **form.cleaned_data)
            messages.success(request, _("The category is added."))
            return redirect("settings-categories")
    context = {"title": _("Add a category"), "parts": parts_of(form), "form": form, "back": _to_categories()}
    return render(request, EDIT, context)


@for_role(is_manager)
def category(request: HttpRequest, slug: str) -> HttpResponse:
    """Its names and every booking rule."""
    found = get_object_or_404(Category, slug=slug)
    title, machines = found.name, list(found.machines.filter(retired_at=None).order_by("name"))
    form = _category_form(request, found)
    if others := _others(request, Q(category=found)):
        return _read_only(request, title, form, others, _to_categories())
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form):
            update_category(category=form.instance, by=signed_in(request), **form.cleaned_data)
            messages.success(request, _("Saved. It holds for new reservations; those that exist stay as they are."))
            return redirect("settings-categories")
    names = ", ".join(machine.name for machine in machines)
    context = {
        "title": title,
        "lead": _("Machines of this category: %(names)s.") % {"names": names} if names else "",
        "parts": parts_of(form),
        "form": form,
        "back": _to_categories(),
        "remove": {
            "url": reverse("settings-category-remove", args=[found.slug]),
            "words": _("Remove the category"),
            "question": _("Its booking rules are deleted. A category with machines stays."),
        },
    }
    return render(request, EDIT, context)


@require_POST
@for_role(is_manager)
def category_remove(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Category, slug=slug)
    try:
        remove_category(category=found, by=signed_in(request))
    except MachinesError as refused:
        return _kept(request, found, refused, "settings-category")
    messages.success(request, _("The category is removed."))
    return redirect("settings-categories")


@for_role(is_manager)
def qualifications(request: HttpRequest) -> HttpResponse:
    """What one must have learnt, for which machines."""
    rows = Qualification.objects.prefetch_related("categories", "machines").order_by("slug")
    return render(request, "fablab/settings/qualifications.html", {"qualifications": rows})


@for_role(is_manager)
def qualification_new(request: HttpRequest) -> HttpResponse:
    form = QualificationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form):
            create_qualification(by=signed_in(request), **form.cleaned_data)
            messages.success(request, _("Added. Now choose it in the categories that ask for it."))
            return redirect("settings-qualifications")
    context = {"title": _("Add a qualification"), "parts": parts_of(form), "form": form, "back": _to_qualifications()}
    return render(request, EDIT, context)


@for_role(is_manager)
def qualification(request: HttpRequest, slug: str) -> HttpResponse:
    """Its names and how to get it."""
    found = get_object_or_404(Qualification, slug=slug)
    title = found.name
    form = QualificationForm(request.POST or None, instance=found)
    if others := _others(request, Q(qualification=found) | Q(category__qualification=found)):
        return _read_only(request, title, form, others, _to_qualifications())
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form):
            update_qualification(qualification=form.instance, by=signed_in(request), **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("settings-qualifications")
    context = {
        "title": title,
        "parts": parts_of(form),
        "form": form,
        "back": _to_qualifications(),
        "remove": {
            "url": reverse("settings-qualification-remove", args=[found.slug]),
            "words": _("Remove the qualification"),
            "question": _("Nobody can be granted it any more. One that is asked for or held stays."),
        },
    }
    return render(request, EDIT, context)


@require_POST
@for_role(is_manager)
def qualification_remove(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Qualification, slug=slug)
    try:
        remove_qualification(qualification=found, by=signed_in(request))
    except MachinesError as refused:
        return _kept(request, found, refused, "settings-qualification")
    messages.success(request, _("The qualification is removed."))
    return redirect("settings-qualifications")


def _others(request: HttpRequest, using: Q) -> list[Site]:
    """Places with machines that use it and that the person does not manage; none for an administrator."""
    if is_administrator(request.user):
        return []
    sites = Site.objects.filter(units__machine__in=Machine.objects.filter(using, retired_at=None))
    return [site for site in sites.order_by("name").distinct() if not is_manager(request.user, site)]


def _read_only(
    request: HttpRequest, title: str, form: ModelForm, others: Sequence[Site], back: dict[str, str]
) -> HttpResponse:
    """What holds, with the sentence that says why the person cannot change it."""
    if request.method == "POST":
        raise PermissionDenied
    lead = _(
        "Machines at %(places)s use it too: only somebody who manages these places, or an administrator, changes it."
    )
    words = lead % {"places": ", ".join(site.name for site in others)}
    context = {"title": title, "lead": words, "parts": parts_of(form), "form": form, "back": back}
    return render(request, "fablab/settings/kind_read_only.html", context)


def _kept(request: HttpRequest, thing: Model, refused: MachinesError, name: str) -> HttpResponse:
    messages.error(request, refused.sentence)
    return redirect(name, thing.slug)  # type: ignore[attr-defined]


def _to_categories() -> dict[str, str]:
    return {"url": reverse("settings-categories"), "words": _("Categories")}


def _to_qualifications() -> dict[str, str]:
    return {"url": reverse("settings-qualifications"), "words": _("Qualifications")}
