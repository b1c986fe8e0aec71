"""What the questions of the first day share: who may answer, the page around them, and keeping an answer."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from fablab.first_run import steps
from fablab.first_run.key import may_claim
from fablab.first_run.progress import furthest_step, has_administrator, is_first_run, may_go_on, the_site
from fablab.first_run.steps import Step
from fablab.views.settings_places import refusals_beside
from people.models import Site

# In the session: the furthest question that this browser was asked.
SEEN = "first_run_seen"
# ?change=1: reached from the last page, to which it goes back.
CHANGE = "change"
View = Callable[..., HttpResponse]


def answering(view: View) -> View:
    """For the one who sets the lab up: before there is an administrator, whoever may claim it; then that person."""

    @wraps(view)
    @never_cache
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not is_first_run():
            raise Http404
        if not has_administrator():
            return view(request, *args, **kwargs) if may_claim(request) else redirect("first-run")
        if not request.user.is_authenticated:
            return redirect_to_login(reverse("first-run"))
        if not may_go_on(request.user):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return wrapper


def ask(
    request: HttpRequest, asked: Step, form: forms.Form | None = None, *, template: str = "", **facts: Any
) -> HttpResponse:
    """The page of a question (of its own name, unless `template` names another), told where it stands among them."""
    if form is not None and form.errors:
        focus_on_error(form)
    context = {
        "form": form,
        "step": asked,
        "steps": steps.STEPS,
        "number": steps.number_of(asked),
        "back": steps.before(asked),
        "next": steps.after(asked),
        "furthest": steps.number_of(furthest_step(request.session.get(SEEN, ""))),
        "is_change": CHANGE in request.GET,
    }
    return render(request, f"fablab/first_run/{template or asked.slug}.html", context | facts)


def focus_on_error(form: forms.Form) -> None:
    """The keyboard begins where something is to be mended."""
    wrong = next((name for name in form.fields if name in form.errors), "")
    for name, field in form.fields.items():
        field.widget.attrs.pop("autofocus", None)
        # A group of boxes would pass it on to each of them.
        if name == wrong and not isinstance(field.widget, forms.RadioSelect):
            field.widget.attrs["autofocus"] = True


def go_on(request: HttpRequest, asked: Step) -> HttpResponse:
    """The next question, or back to the last page when one answer was changed from there."""
    return redirect("first-run-step", steps.CHECK.slug if CHANGE in request.GET else steps.after(asked).slug)


def answer_to(request: HttpRequest) -> Any:
    """What was sent, also when it is an empty form; None when the question is only read."""
    return request.POST if request.method == "POST" else None


def is_kept(form: forms.Form, write: Callable[[dict[str, Any]], object]) -> bool:
    """Whether the form is right and `write` kept it; else its refusal stands beside the field."""
    if not form.is_valid():
        return False
    with refusals_beside(form):
        write(form.cleaned_data)
    return not form.errors


def place_of() -> Site:
    """The site of the questions that come after it."""
    site = the_site()
    if site is None:
        raise Http404
    return site
