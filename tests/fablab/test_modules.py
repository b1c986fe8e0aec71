"""A module that is off takes its menu, pages and words away; on, they are there."""

import re

import pytest
from django.urls import Resolver404, get_resolver, resolve, reverse

from fablab.modules import module_of
from people.lab import current_lab, forget
from people.models import Module
from tests.api.lab import Lab, make_lab
from tests.fablab.settings_pages import words_of
from tests.fablab.test_access import TABLE, own_names, url_of

pytestmark = pytest.mark.django_db

# What a page says of a module where no link tells it. “Measured” is a device's word, “No news” its silence.
WORDS = {
    Module.PRINTING: (
        "My prints",
        "Send a file to print",
        "Prints",
        "Bed is clear",
        "lost from sight",
        "beds are clear",
    ),
    Module.DEVICES: (
        "Measured use",
        "really used",
        "No use has been measured",
        "84 W",
        "See device",
        "measured in 7 days",
        "Busy, 30 days",
        "Machines answer",
    ),
}


@pytest.fixture
def lab() -> Lab:
    return make_lab()


def turn_off(module: Module) -> None:
    row = current_lab()
    row.modules_off = [module]
    row.save()
    forget()


def pages_of(lab: Lab) -> dict[str, tuple[str, ...]]:
    """What every lab has, whichever modules it chose, for the holder of a reservation and for the manager."""
    machine, place = [lab.printer_machine.slug], [lab.site.slug]
    running, laser = reverse("reservation", args=[lab.running.reference]), reverse("machine", args=[lab.laser.slug])
    shared = (reverse("home"), reverse("machines"), reverse("machine", args=machine), laser, reverse("me"), running)
    team = ("manage", "manage-machines", "manage-reservations", "people", "people-new", "settings")
    holder = lab.people["holder"]
    assert holder is not None
    settings = (reverse("settings-machine", args=machine), reverse("settings-machines", args=place))
    file = reverse("people-person", args=[holder.reference])
    return {"holder": shared, "manager": (*shared, *(reverse(name) for name in team), *settings, file)}


def module_of_address(address: str) -> Module | None:
    try:
        return module_of(resolve(address).url_name or "")
    except Resolver404:
        return None


def found_on_pages(lab: Lab, module: Module) -> list[str]:
    """Links to the module and its words, with the page where each was found."""
    found = []
    for role, paths in pages_of(lab).items():
        client = lab.client(role)
        for path in paths:
            page = client.get(path)
            assert page.status_code == 200, path
            addresses = re.findall(r'(?:href|action|src|hx-get|hx-post)="(/[^"?#]*)', page.content.decode())
            found += [f"{role} {path} → {a}" for a in set(addresses) if module_of_address(a) == module]
            said = words_of(page)
            found += [f"{role} {path} says {word}" for word in WORDS.get(module, ()) if word in said]
    return found


@pytest.mark.parametrize("module", list(Module))
def test_module_off_is_named_on_no_page(lab: Lab, module: Module) -> None:
    turn_off(module)

    assert found_on_pages(lab, module) == []


@pytest.mark.parametrize("module", [m for m in Module if m != Module.KIOSK])
def test_module_on_is_linked_where_people_look(lab: Lab, module: Module) -> None:
    found = found_on_pages(lab, module)

    assert [line for line in found if "→" in line]
    assert all(any(line.endswith(f"says {word}") for line in found) for word in WORDS.get(module, ())[:2])


@pytest.mark.parametrize("module", list(Module))
def test_addresses_of_a_module_off_are_gone(lab: Lab, module: Module) -> None:
    theirs = [row for row in TABLE if module_of(row.name) == module]
    addresses = {url_of(row, lab) for row in theirs}
    client = lab.client("manager")
    before = {address: client.get(address).status_code for address in addresses}

    turn_off(module)
    after = {address: client.get(address).status_code for address in addresses}

    assert set(own_names(get_resolver().url_patterns)) >= {row.name for row in theirs}
    assert any(status in (200, 405) for status in before.values())
    assert set(after.values()) == {404}
