"""What several files of tests of the pages start from: a place with its manager, and enrolled screens."""

import pytest
from django.test import Client

from machines.models import Machine
from people.models import Kiosk, Person, Site
from tests.fablab.kiosk_screen import Screen
from tests.fablab.settings_pages import manager_of, open_site, signed_in
from tests.factories import make_machine


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
def screen() -> Screen:
    return Screen()


@pytest.fixture
def computer() -> tuple[Screen, Machine]:
    """`(screen, machine)`: a public computer with its own screen."""
    screen = Screen(kind=Kiosk.Kind.SHARED_PC)
    return screen, make_machine(site=screen.site, kiosk=screen.kiosk)
