"""A module that is off takes its menu, pages and words away; on, they are there."""

import datetime as dt
import re

import pytest
from django.test import Client
from django.urls import Resolver404, get_resolver, resolve, reverse
from django.utils import timezone

from fablab.board import board_events
from fablab.modules import module_of
from iot.models import ReportedState
from machines.models import Machine
from people.lab import current_lab
from people.models import Module
from printing.models import Printer
from tests.api.lab import Lab, make_heard_device, make_lab
from tests.fablab.settings_pages import words_of
from tests.fablab.test_access import TABLE, own_names, url_of
from tests.factories import make_machine, turn_off

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

# What a page says of a module where no link tells it. “Measured” is a device's word, “No news” its silence.
WORDS = {
    Module.PRINTING: (
        "My prints",
        "Send a file to print",
        "Prints",
        "Bed is clear",
        "Clear the bed",
        "lost from sight",
        "beds are clear",
        "waiting prints",
        "memory of the printers",
        "send print jobs",
        "print-jobs",
    ),
    Module.DEVICES: (
        "Measured use",
        "really used",
        "No use has been measured",
        "84 W",
        "See device",
        "measured in 7 days",
        "Busy, 30 days",
        "The devices answer",
        "No news",
        "power_w",
        "usage-sessions",
        "manage devices",
    ),
    Module.DESK: ("Desk", "At the desk", "at the desk", "the desk", "Here now", "ticket"),
    Module.KIOSK: ("Kiosk", "kiosk", "shared screens"),
    Module.TEAMS: ("My teams", "Teams"),
    Module.BOARD: ("Live board", "live board"),
    Module.API: ("API", "token"),
}
# What the holder and the manager of the lab below are shown when nothing is off.
SAID = {
    Module.PRINTING: ("My prints", "Send a file to print", "Clear the bed", "waiting prints"),
    Module.DEVICES: ("Measured use", "84 W", "No news", "power_w"),
    Module.DESK: ("Desk", "Here now"),
    Module.KIOSK: ("Kiosk", "shared screens"),
    Module.TEAMS: ("My teams", "Teams"),
    Module.BOARD: ("Live board",),
    Module.API: ("API",),
}


@pytest.fixture
def lab() -> Lab:
    return make_lab()


def furnish(lab: Lab) -> None:
    """A machine that waits for its bed to be cleared, one that is silent, and one that draws 84 W."""
    plain = make_machine(site=lab.site, name="Silent", category=lab.laser.category)
    make_heard_device(plain, timezone.now() - dt.timedelta(days=2))
    waits = make_machine(site=lab.site, name="Waits", category=lab.laser.category)
    Printer.objects.create(machine=waits, connection="operational", last_answer_at=timezone.now(), is_bed_clear=False)
    busy = make_machine(site=lab.site, name="Busy", category=lab.laser.category)
    device = make_heard_device(busy, timezone.now())
    ReportedState.objects.create(machine=busy, device=device, state="busy", power_w=84, since=timezone.now())


def pages_of(lab: Lab) -> dict[str, tuple[str, ...]]:
    """What every lab has, whichever modules it chose, for anybody, the holder of a reservation and the manager."""
    place, holder = [lab.site.slug], lab.people["holder"]
    assert holder is not None
    machines = [reverse("machine", args=[slug]) for slug in Machine.objects.values_list("slug", flat=True)]
    names = ("home", "machines", "privacy", "legal", "accessibility", "contact", "help")
    shared = (*machines, *(reverse(name) for name in names))
    own = (
        reverse("me"),
        reverse("me-data"),
        reverse("me-data-erase"),
        reverse("reservation", args=[lab.running.reference]),
    )
    team = (
        "manage", "manage-machines", "manage-reservations", "people", "people-new", "settings", "settings-categories",
        "settings-category-new", "settings-qualification-new", "fault-report", "privacy-register",
    )  # fmt: skip
    settings = [reverse("settings-machine", args=[slug]) for slug in (lab.laser.slug, lab.printer_machine.slug)]
    settings += [reverse(f"settings-{name}", args=place) for name in ("machines", "machine-new", "outages", "calls")]
    files = [reverse(name, args=[holder.reference]) for name in ("people-person", "people-card", "people-erase")]
    reserving = f"{reverse('reserve')}?machine={lab.laser.slug}&for={holder.reference}"
    manager = (*shared, *(reverse(name) for name in team), *settings, *files, reserving)
    return {"anonymous": (*shared, reverse("account_login")), "holder": (*shared, *own), "manager": manager}


def module_of_address(address: str) -> Module | None:
    try:
        return module_of(resolve(address).url_name or "")
    except Resolver404:
        return None


def found_on_pages(lab: Lab, module: Module) -> list[str]:
    """Links to the module and its words, with the page where each was found."""
    found = []
    pages = pages_of(lab)
    for module_of_pages, names in ((Module.API, ("tokens", "api-docs")), (Module.BOARD, ("board",))):
        if current_lab().has(module_of_pages):
            pages["manager"] += tuple(reverse(name) for name in names)
    for role, paths in pages.items():
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
    furnish(lab)
    turn_off(module)

    assert found_on_pages(lab, module) == []


@pytest.mark.parametrize(
    ("off", "words"),
    [
        pytest.param(Module.DEVICES, ("No news", "84 W"), id="devices"),
        pytest.param(Module.PRINTING, ("Clear the bed",), id="printing"),
    ],
)
def test_boards_and_programs_are_told_nothing_of_a_module_that_is_off(
    lab: Lab, off: Module, words: tuple[str, ...]
) -> None:
    furnish(lab)
    before = told(lab)

    turn_off(off)
    after = told(lab)

    assert [word for word in words if word not in before] == []
    assert [word for word in (*words, *WORDS[off]) if word in after] == []


def told(lab: Lab) -> str:
    """What a board, a program and a reader of the API's description are told."""
    client = lab.client("holder")
    addresses = ("/api/v1/machines/", "/api/schema/?format=json", "/api/docs/")
    return board_events(None, "en") + "".join(client.get(address).content.decode() for address in addresses)


@pytest.mark.parametrize("module", [m for m in Module if m != Module.KIOSK])
def test_module_on_is_linked_where_people_look(lab: Lab, module: Module) -> None:
    furnish(lab)

    found = found_on_pages(lab, module)

    assert [line for line in found if "→" in line]
    assert [word for word in SAID[module] if not any(line.endswith(f"says {word}") for line in found)] == []


def status_at(client: Client, address: str) -> int:
    answer = client.get(address)
    if answer.streaming:
        # Read to its end, a file is closed.
        list(answer.streaming_content)
    return int(answer.status_code)


@pytest.mark.parametrize("module", list(Module))
def test_addresses_of_a_module_off_are_gone(lab: Lab, module: Module) -> None:
    theirs = [row for row in TABLE if module_of(row.name) == module]
    addresses = {url_of(row, lab) for row in theirs}
    client = lab.client("manager")
    before = {address: status_at(client, address) for address in addresses}

    turn_off(module)
    after = {address: status_at(client, address) for address in addresses}

    assert set(own_names(get_resolver().url_patterns)) >= {row.name for row in theirs}
    assert any(status in (200, 405) for status in before.values())
    assert set(after.values()) == {404}
