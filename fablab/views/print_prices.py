"""What prints cost: one price for a place, and one for each kind of machine that wants its own."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.lib.queries import query_word
from fablab.templatetags.shell import euros
from fablab.views.people_door import posted
from fablab.views.roles import for_role
from fablab.views.settings_places import parts_of, site_there
from machines.models import Category
from people.models import Site
from people.permissions import is_manager
from people.selectors import managed_sites
from people.signed_in import signed_in
from printing.forms_spools import PriceForm, initial_price
from printing.models import PrintPrice
from printing.print_prices import EXAMPLE_G, EXAMPLE_TIME, example_cents, price_of, prices_at, remove_price, set_price
from reservations.messages import duration_words


@for_role(is_manager)
def prices(request: HttpRequest) -> HttpResponse:
    """The prices of one place, told by an example; `?site=` chooses among one's own places."""
    sites = list(managed_sites(signed_in(request)))
    wanted = query_word(request.GET, "site")
    site = next((site for site in sites if site.slug == wanted), sites[0] if sites else None)
    rows = prices_at(site) if site is not None else []
    context = {
        "sites": sites,
        "site": site,
        "general_words": _example_words(rows[0].price) if rows and rows[0].price else "",
        "rows": [(row, _example_words(row.price) if row.price else "") for row in rows[1:]],
    }
    return render(request, "fablab/spools/prices.html", context)


def _example_words(price: PrintPrice) -> str:
    words = {"time": duration_words(EXAMPLE_TIME), "grams": round(EXAMPLE_G), "sum": euros(example_cents(price))}
    return _("A print of %(time)s and %(grams)s g costs %(sum)s.") % words


@for_role(is_manager)
def price(request: HttpRequest, slug: str, kind: str = "") -> HttpResponse:
    """Three sums, and what they come to; `preview` tells it without keeping them."""
    site = site_there(request, slug)
    category = get_object_or_404(Category, slug=kind) if kind else None
    known = price_of(site, category)
    form = PriceForm(posted(request), initial=initial_price(known))
    is_preview, meant = "preview" in request.POST, known
    if request.method == "POST" and form.is_valid():
        meant = form.price
        if not is_preview:
            set_price(site=site, category=category, by=signed_in(request), **form.cleaned_data)
            messages.success(request, _("Saved. It holds for what ends from now on."))
            return redirect(_back_to(site))
    context: dict[str, Any] = {
        "title": category.name if category is not None else _("All machines"),
        "lead": _("What a print costs here. People see it on the page of their print, once it has ended."),
        "form": form,
        "parts": parts_of(form),
        "meaning": _example_words(meant) if meant is not None else "",
        "is_preview": is_preview and not form.errors,
        "back": {"url": _back_to(site), "words": _("Prices of prints")},
        "remove": _removal(site, category) if known is not None and category is not None else None,
    }
    return render(request, "fablab/spools/price.html", context, status=400 if form.errors else 200)


def _removal(site: Site, category: Category) -> dict[str, str]:
    return {
        "url": reverse("manage-print-price-remove", args=[site.slug, category.slug]),
        "words": _("No price of its own"),
        "question": _("It costs what all machines cost, from now on."),
    }


@require_POST
@for_role(is_manager)
def remove(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """The kind costs what all cost."""
    site = site_there(request, slug)
    remove_price(site=site, category=get_object_or_404(Category, slug=kind), by=signed_in(request))
    messages.success(request, _("Removed. It costs what all machines cost."))
    return redirect(_back_to(site))


def _back_to(site: Site) -> str:
    return f"{reverse('manage-print-prices')}?site={site.slug}"
