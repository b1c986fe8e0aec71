"""The help: its first page with a search, each page, and their pictures."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from fablab import help_pages
from fablab.lib.queries import query_word

PICTURE_KEPT_S = 86_400 * 30


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Every page with its first sentence; with `?q=`, the sections that hold all these words."""
    words = query_word(request.GET, "q").strip()[:100]
    context = {"words": words, "pages": help_pages.help_pages(), "hits": help_pages.found(words)}
    return render(request, "fablab/help/index.html", context)


@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """One page, with what it holds and the ones beside it.

    Raises:
        Http404: there is none of that name, or it is about a module that is off.
    """
    modules = help_pages.modules_on()
    shown = help_pages.help_page(slug)
    if shown is None or not help_pages.is_shown(slug, modules):
        raise Http404
    before, after = help_pages.neighbours(slug)
    body = shown.html(modules)
    context = {"page": shown, "body": body, "before": before, "after": after}
    return render(request, "fablab/help/page.html", context)


@require_safe
def picture(request: HttpRequest, name: str) -> HttpResponse:
    """A picture of one of the pages.

    Raises:
        Http404: there is none of that name.
    """
    path = help_pages.PICTURES / name
    if not path.is_file():
        raise Http404
    response = HttpResponse(path.read_bytes(), content_type="image/png")
    response.headers["Cache-Control"] = f"public, max-age={PICTURE_KEPT_S}"
    return response
