"""What several files of tests of the pages start from: a place, its people, a printer, enrolled screens."""

import pytest
from django.test import Client

from machines.models import Machine
from people.models import Kiosk, Person, Site
from printing.models import Printer
from tests.fablab.kiosk_screen import Screen
from tests.fablab.print_rows import make_printer, member
from tests.fablab.settings_pages import manager_of, open_site, signed_in
from tests.factories import make_machine, make_staff


@pytest.fixture
def site() -> Site:
    return open_site()


@pytest.fixture
def manager(site: Site) -> Person:
    return manager_of(site)


@pytest.fixture
def manager_client(manager: Person) -> Client:
    return signed_in(manager)


@pytest.fixture
def team(site: Site) -> Person:
    """Somebody of the team there."""
    return make_staff(site=site, first_name="Thea")


@pytest.fixture
def printer(site: Site) -> Printer:
    return make_printer(site, "Prusa")


@pytest.fixture
def ada(site: Site) -> Person:
    return member(site, "Ada")


@pytest.fixture
def bo(site: Site) -> Person:
    return member(site, "Bo")


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def computer() -> tuple[Screen, Machine]:
    """`(screen, machine)`: a public computer with its own screen."""
    screen = Screen(kind=Kiosk.Kind.SHARED_PC)
    return screen, make_machine(site=screen.site, kiosk=screen.kiosk)
