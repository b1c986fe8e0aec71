"""What the tests of the settings pages share: a place, its manager's browser, and what a page says."""

import datetime as dt
import re

from django.test import Client
from django.utils import timezone

from machines.models import Machine
from people.models import Person, Role, Site
from tests.api.lab import hold
from tests.factories import every_day, make_person, make_site, make_staff

BACKEND = "people.sign_in_backends.PersonBackend"


def open_site() -> Site:
    """Open from 9 to 6 every day."""
    return make_site(name="Riverside", hours=every_day("09:00", "18:00"))


def manager_of(site: Site) -> Person:
    return make_staff(site=site, role=Role.FAB_MANAGER)


def signed_in(person: Person) -> Client:
    browser = Client(headers={"accept-language": "en"})
    browser.force_login(person, backend=BACKEND)
    return browser


def words_of(response) -> str:
    """The text of a page without its tags, blanks joined."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def coming(machine: Machine, *, days: int = 3, hour: int = 10, **fields):
    """A reservation on a later day, at that hour of the site's clock."""
    day = timezone.now().astimezone(machine.site.zone).date() + dt.timedelta(days=days)
    start = dt.datetime.combine(day, dt.time(hour), machine.site.zone)
    holder = make_person(**({"first_name": "Ines", "phone": "+33 1 23"} | fields))
    return hold(machine, holder, start, start + dt.timedelta(hours=1))
