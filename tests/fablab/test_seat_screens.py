"""Seats at the desk: what their agent says, a message, the lock."""

import datetime as dt

import pytest
from django.utils import timezone

from fablab.desk import seats
from fablab.seat_agents import SeatAgent
from iot.models import AccessSession, Device, DeviceCommand, ReportedState
from machines.models import Machine
from tests.fablab.test_at_machine_pages import browser, page
from tests.factories import make_category, make_machine, make_site, make_staff, minutes
from tests.iot.builders import make_device

pytestmark = pytest.mark.django_db


@pytest.fixture
def laptop() -> Machine:
    return make_machine(site=make_site(), name="Laptop 1", category=make_category(is_seat=True))


@pytest.fixture
def agent(laptop: Machine) -> Device:
    now = timezone.now()
    device = make_device("laptop-1", laptop, is_online=True, last_seen_at=now, silent_after=dt.timedelta(hours=1))
    ReportedState.objects.create(machine=laptop, device=device, battery_pct=14.4)
    return device


def test_desk_shows_what_the_agent_says(laptop: Machine, agent: Device) -> None:
    now = timezone.now()

    (seat,) = seats(site=laptop.site, now=now)

    assert seat.agent == SeatAgent(agent.last_seen_at, is_silent=False, is_locked=False, battery_pct=14, left=None)
    seen = page(make_staff(site=laptop.site), "/desk/")
    assert "Battery 14\u00a0%" in seen or "Battery 14 %" in seen
    assert f"/desk/seats/{laptop.slug}/screen/" in seen


def test_seat_that_is_silent_says_since_when(laptop: Machine, agent: Device) -> None:
    heard = timezone.now() - dt.timedelta(hours=3)
    Device.objects.update(last_seen_at=heard)

    assert f"No news since {heard.astimezone(laptop.site.zone):%H:%M}" in page(make_staff(site=laptop.site), "/desk/")


def test_seat_without_an_agent_says_nothing_of_one(laptop: Machine) -> None:
    staff = make_staff(site=laptop.site)

    assert "seat-agent" not in page(staff, "/desk/")
    assert browser(staff).get(f"/desk/seats/{laptop.slug}/screen/").status_code == 404


def test_message_and_lock_are_ordered_once_and_their_state_is_told(laptop: Machine, agent: Device) -> None:
    staff = make_staff(site=laptop.site)
    address = f"/desk/seats/{laptop.slug}/screen/"

    browser(staff).post(address, {"text": "We close soon."})
    answered = browser(staff).post(address, {"why": "Left open"}, follow=True).content.decode()

    lock, message = DeviceCommand.objects.order_by("-pk")
    assert (message.kind, message.data["text"], message.by) == ("message", "We close soon.", staff)
    assert (lock.kind, lock.why, lock.by) == ("lock", "Left open", staff)
    assert "on its way" in answered
    assert "We close soon." in answered
    DeviceCommand.objects.update(expires_at=timezone.now() + minutes(1), answered_at=timezone.now(), is_done=True)
    assert "done" in browser(staff).get(address, headers={"hx-request": "true"}).content.decode()


@pytest.mark.parametrize("sent", [{"text": ""}, {"why": ""}], ids=["no message", "no reason"])
def test_nothing_is_ordered_without_words(laptop: Machine, agent: Device, sent: dict[str, str]) -> None:
    answered = browser(make_staff(site=laptop.site)).post(f"/desk/seats/{laptop.slug}/screen/", sent)

    assert answered.status_code == 400
    assert not DeviceCommand.objects.exists()


def test_screen_beside_which_a_reader_stands_is_the_one_that_is_told(laptop: Machine) -> None:
    make_device("reader-1", laptop, is_online=True, capabilities=["badge"])
    agent = make_device("laptop-1", laptop, is_online=True, capabilities=["seat"])
    address = f"/desk/seats/{laptop.slug}/screen/"

    answered = browser(make_staff(site=laptop.site)).post(address, {"text": "We close soon."})

    assert answered.status_code == 302
    assert DeviceCommand.objects.get().device == agent


def test_screen_of_two_is_the_one_where_somebody_sits(laptop: Machine) -> None:
    make_device("laptop-1", laptop, is_online=True, capabilities=["seat"])
    other = make_device("laptop-2", laptop, is_online=True, capabilities=["seat"])
    now = timezone.now()
    AccessSession.objects.create(machine=laptop, device=other, allowed_at=now, until=now + minutes(60))

    browser(make_staff(site=laptop.site)).post(f"/desk/seats/{laptop.slug}/screen/", {"text": "We close soon."})

    assert DeviceCommand.objects.get().device == other
