"""What every page's foot leads to: privacy, legal notice, accessibility, contact."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from fablab.personal.inactive import not_reached, to_tell
from fablab.personal.purge import last_purge
from fablab.personal.register import entries
from fablab.views.roles import for_role
from people.lab import current_lab
from people.models import Site
from people.permissions import is_administrator, is_staff
from people.signed_in import signed_in


def privacy(request: HttpRequest) -> HttpResponse:
    """What is kept about people, why, for how long and who sees it, in plain words."""
    return render(request, "fablab/about/privacy.html", {"entries": entries(current_lab()), **_who_answers()})


@for_role(is_staff)
def register(request: HttpRequest) -> HttpResponse:
    """The record of processing activities (GDPR, article 30), ready to be printed."""
    context = {"entries": entries(current_lab()), "last_purge": last_purge(), "now": timezone.now()}
    return render(request, "fablab/about/register.html", context | _who_answers())


@for_role(is_staff)
def leaving(request: HttpRequest) -> HttpResponse:
    """Whose file is about to be made anonymous and whom no e-mail reaches."""
    person, now = signed_in(request), timezone.now()
    context = {"people": to_tell(now, person), "refused": not_reached(now, person)}
    return render(request, "fablab/about/leaving.html", context)


def legal(request: HttpRequest) -> HttpResponse:
    """Who publishes these pages, in the lab's own words."""
    context = {"may_write": is_administrator(request.user), **_who_answers()}
    return render(request, "fablab/about/legal.html", context)


def accessibility(request: HttpRequest) -> HttpResponse:
    """What is known about it and what is not, and whom to tell."""
    return render(request, "fablab/about/accessibility.html", _who_answers())


def contact(request: HttpRequest) -> HttpResponse:
    """How each site is reached."""
    return render(request, "fablab/about/contact.html", _who_answers())


def _who_answers() -> dict[str, object]:
    sites = list(Site.objects.all())
    reached = next((site for site in sites if site.contact_email or site.phone), None)
    return {"sites": sites, "site": reached}
