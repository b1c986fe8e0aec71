"""“Start here”: codes for a reader, uses written down by hand, and what others see of them."""

import datetime as dt
import re

import pytest
from django.test import Client
from django.utils import timezone

from iot.manual_use import start_manual
from iot.models import (
    AccessSession,
    Device,
    DeviceCommand,
    DriverKind,
    MachineAccess,
    StartCode,
    StopReason,
    UsageSession,
)
from machines.models import Machine
from people.models import Person
from tests.factories import (
    give_role,
    make_machine,
    make_outage,
    make_person,
    make_qualification,
    make_site,
    make_staff,
    minutes,
    reserve,
    turn_off,
)
from tests.iot.builders import make_device

pytestmark = pytest.mark.django_db


@pytest.fixture
def loom() -> Machine:
    """A machine that no device watches, at a site that is open round the clock."""
    return make_machine(site=make_site(), name="Loom")


@pytest.fixture
def camille(loom: Machine) -> Person:
    person = make_person()
    give_role(person=person, site=loom.site)
    return person


def browser(person: Person | None) -> Client:
    client = Client(headers={"accept-language": "en"})
    if person is not None:
        client.force_login(person, backend="people.sign_in_backends.PersonBackend")
    return client


def page(person: Person | None, address: str) -> str:
    return browser(person).get(address).content.decode()


def test_square_offers_to_write_the_use_down_and_one_tap_does(loom: Machine, camille: Person) -> None:
    offered = page(camille, f"/machines/{loom.slug}/")
    answered = browser(camille).post(f"/machines/{loom.slug}/start/")

    session = UsageSession.objects.get()
    assert f"/machines/{loom.slug}/start/" in offered
    assert (answered.status_code, answered.url) == (302, f"/machines/{loom.slug}/")
    assert (session.source, session.person, session.end) == ("manual", camille, None)


def test_running_use_is_shown_to_all_and_named_to_the_team_only(loom: Machine, camille: Person) -> None:
    camille.last_name = "Quillfeather"
    camille.save()
    session = start_manual(loom, camille, timezone.now() - minutes(12))
    address, stop = f"/machines/{loom.slug}/", f"/runs/{session.reference}/stop/"

    own, team, others = (page(who, address) for who in (camille, make_staff(site=loom.site), make_person()))
    stranger = page(None, address)

    assert "You use it now" in own
    assert "12 min" in own
    assert stop in own
    assert "Camille Quillfeather" in team
    assert stop in team
    for seen in (others, stranger):
        assert "Somebody uses it now" in seen
        assert "Quillfeather" not in seen
        assert session.reference not in seen
    assert "You use it now: Loom" in page(camille, "/me/")


def test_stop_ends_it_and_comes_back_to_where_one_was(loom: Machine, camille: Person) -> None:
    session = start_manual(loom, camille, timezone.now() - minutes(12))

    answered = browser(camille).post(f"/runs/{session.reference}/stop/", {"next": "/me/"})

    session.refresh_from_db()
    assert (answered.url, session.stop_reason) == ("/me/", StopReason.NORMAL)
    assert "You use it now" not in page(camille, "/me/")


def test_stop_of_somebody_elses_is_refused_in_words(loom: Machine, camille: Person) -> None:
    session = start_manual(loom, camille, timezone.now() - minutes(12))

    answered = browser(make_person()).post(f"/runs/{session.reference}/stop/", follow=True)

    session.refresh_from_db()
    assert session.end is None
    assert "Only whoever started it, or the team, ends it." in answered.content.decode()


def test_refusals_are_told_with_their_next_step(loom: Machine, camille: Person) -> None:
    Machine.objects.filter(pk=loom.pk).update(qualification=make_qualification())

    answered = browser(camille).post(f"/machines/{loom.slug}/start/")

    assert answered.status_code == 409
    assert 'data-code="qualification_missing"' in answered.content.decode()
    assert not UsageSession.objects.exists()


def test_what_only_a_machine_asks_for_is_told_in_its_own_words(loom: Machine, camille: Person) -> None:
    make_outage(machine=loom, kind="lock_out", start=timezone.now() - minutes(5))

    answered = browser(camille).post(f"/machines/{loom.slug}/start/")

    assert answered.status_code == 409
    assert "Stopped for safety. Only the team puts it back in service." in answered.content.decode()


def test_use_that_is_open_already_is_told_in_a_sentence(loom: Machine, camille: Person) -> None:
    start_manual(loom, camille, timezone.now())

    answered = browser(camille).post(f"/machines/{loom.slug}/start/", follow=True)

    assert "You have started it already." in answered.content.decode()


def test_code_is_shown_once_with_its_end_and_is_good_at_that_machine(loom: Machine, camille: Person) -> None:
    make_device("reader", loom, is_online=True, last_seen_at=timezone.now(), capabilities=["keypad"])

    before = page(camille, f"/machines/{loom.slug}/start/")
    answered = browser(camille).post(f"/machines/{loom.slug}/start/")

    shown = answered.content.decode()
    code = StartCode.objects.get()
    assert "Show my code" in before
    assert not re.search(r"\d{3} \d{3}", before)
    assert re.search(r'code-large">\s*\d{3} \d{3}\s*<', shown)
    assert code.expires_at.astimezone(loom.site.zone).strftime("%H:%M:%S") in shown
    assert 'data-counts-down="60"' in shown
    assert "no-store" in answered.headers["Cache-Control"]
    assert not DeviceCommand.objects.exists()
    assert not UsageSession.objects.exists()


NOT_THERE = {
    "foreign device": lambda loom: make_device("plug", loom, kind=DriverKind.TASMOTA, topic="plug"),
    "seat": lambda loom: type(loom.category).objects.filter(pk=loom.category_id).update(is_seat=True),
    "lent": lambda loom: type(loom.category).objects.filter(pk=loom.category_id).update(is_lent=True),
    "module off": lambda _loom: turn_off("devices"),
}


@pytest.mark.parametrize("arrange", NOT_THERE.values(), ids=NOT_THERE.keys())
def test_there_is_nothing_to_start_where_it_begins_otherwise(loom: Machine, camille: Person, arrange) -> None:
    arrange(loom)

    assert "/start/" not in page(camille, f"/machines/{loom.slug}/")
    assert browser(camille).get(f"/machines/{loom.slug}/start/").status_code == 404


def test_revoked_device_watches_nothing(loom: Machine, camille: Person) -> None:
    Device.objects.filter(pk=make_device("old", loom).pk).update(revoked_at=timezone.now())

    assert browser(camille).post(f"/machines/{loom.slug}/start/").status_code == 302


def test_reservation_and_own_page_say_when_the_machine_was_opened(loom: Machine, camille: Person) -> None:
    now = timezone.now()
    start = now.replace(minute=0, second=0, microsecond=0) - dt.timedelta(hours=5)
    reservation = reserve(machine=loom, holder=camille, start=start, end=start + minutes(60), now=start - minutes(90))
    AccessSession.objects.create(
        machine=loom, person=camille, reservation=reservation, state="ended", allowed_at=start + minutes(3),
        until=start + minutes(60), ended_at=start + minutes(50), stop_reason=StopReason.NORMAL,
    )  # fmt: skip
    opened = (start + minutes(3)).astimezone(loom.site.zone).strftime("%H:%M")
    closed = (start + minutes(50)).astimezone(loom.site.zone).strftime("%H:%M")

    seen = [page(camille, address) for address in (reservation.get_absolute_url(), "/me/")]
    team = page(make_staff(site=loom.site), reservation.get_absolute_url())

    for words in (*seen, team):
        assert f"{opened} – {closed}" in words
    assert "Opened at the machine" in team


def test_two_people_begin_on_two_phones(loom: Machine, camille: Person) -> None:
    MachineAccess.objects.create(machine=loom, needs_two_people=True)
    bo = make_person(first_name="Bo")
    give_role(person=bo, site=loom.site)
    url = f"/machines/{loom.slug}/start/"

    first = browser(camille).post(url)
    shown = page(bo, f"/machines/{loom.slug}/")
    second = browser(bo).post(url)

    session = UsageSession.objects.get()
    assert first.status_code == 409
    assert "Two people are needed. Now the other one scans this square" in first.content.decode()
    assert "now the other one scans the square" in shown
    assert (second.status_code, session.person) == (302, camille)
    assert AccessSession.objects.get().second_person == bo
