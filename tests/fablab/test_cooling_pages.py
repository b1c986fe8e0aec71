"""A machine that is still hot says so by word and shape: on the board, on its own page and on that of its device."""

import re

import pytest
from django.utils import timezone

from fablab.board import board_events
from iot.heat import note_nozzle
from iot.models import Device, DeviceCommand, DriverKind, ReportedState
from machines.models import Machine
from tests.fablab.test_at_machine_pages import browser, page
from tests.factories import make_machine, make_site, make_staff, minutes
from tests.iot.builders import make_device

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]


@pytest.fixture
def printer() -> Machine:
    return make_machine(site=make_site(), name="Mini 2")


@pytest.fixture
def plug(printer: Machine) -> Device:
    now = timezone.now()
    made = make_device("plug", printer, kind=DriverKind.TASMOTA, topic="plug-04", is_online=True, last_seen_at=now)
    ReportedState.objects.create(machine=printer, device=made, state="idle", since=now - minutes(2), at=now)
    note_nozzle(machine_id=printer.pk, nozzle_c=187.0, now=now)
    return made


def test_board_says_by_word_shape_and_tone_that_it_is_cooling(printer: Machine, plug: Device) -> None:
    tile = board_events([printer.pk], "en")

    assert "tone-cooling" in tile
    assert "#i-cooling" in tile
    assert "Cooling" in tile
    assert "do not touch it yet" in tile


def test_machine_page_says_it_too(printer: Machine, plug: Device) -> None:
    seen = page(make_staff(site=printer.site), f"/machines/{printer.slug}/")

    assert re.search(r'state-cooling">.*?#i-cooling.*?Cooling', seen, re.DOTALL)


def test_device_page_says_that_it_is_hot_and_refuses_to_switch_it_off(printer: Machine, plug: Device) -> None:
    staff = make_staff(site=printer.site)

    seen = page(staff, "/manage/devices/plug/")
    refused = browser(staff).post("/manage/devices/plug/order/", {"kind": "disable", "why": "done"}, follow=True)

    assert re.search(r'state-cooling">.*?Hot</span>', seen, re.DOTALL)
    assert "still hot" in refused.content.decode()
    assert not DeviceCommand.objects.exists()


def test_device_page_says_nothing_of_heat_once_it_is_gone(printer: Machine, plug: Device) -> None:
    note_nozzle(machine_id=printer.pk, nozzle_c=31.0, now=timezone.now())

    assert "state-cooling" not in page(make_staff(site=printer.site), "/manage/devices/plug/")
    assert "tone-cooling" not in board_events([printer.pk], "en")
