"""Codes and badges given, and how sessions at a machine end."""

import datetime as dt

import pytest
from django.db import OperationalError

from iot.access.sessions import open_access, sweep_access
from iot.access.told import told_event
from iot.access.who import new_start_code, wait_for_badge
from iot.ingest.asking import tapped_at_reader
from iot.ingest.raw import Directory, RawMessage
from iot.models import (
    AccessAttempt,
    AccessSession,
    Device,
    DeviceCommand,
    DriverKind,
    MachineAccess,
    ReportedState,
    UseState,
)
from iot.orders import take_to_send
from iot.protocol import Event
from machines.models import Machine, UnitPart
from people.models import Badge
from reservations.models import Reservation, Status
from tests.factories import (
    NOW,
    grant,
    make_category,
    make_machine,
    make_person,
    make_qualification,
    make_staff,
    minutes,
    reserve,
)
from tests.iot.builders import make_device
from tests.iot.readers import NUMBER, OTHER, badge_of, power_on, tap, with_badge

pytestmark = pytest.mark.django_db


def test_code_of_the_phone_opens_once_within_its_minute(lathe: Machine, reader: Device) -> None:
    person = make_person()
    code = new_start_code(machine=lathe, person=person, now=NOW)

    first = tap(reader, code, kind="code")
    again = tap(reader, code, kind="code", request="another")

    assert (first.is_allowed, again.reason) == (True, "unknown_code")


def test_code_of_the_phone_is_void_after_a_minute(lathe: Machine, reader: Device) -> None:
    code = new_start_code(machine=lathe, person=make_person(), now=NOW)

    assert tap(reader, code, kind="code", at=NOW + dt.timedelta(seconds=61)).reason == "unknown_code"


def test_first_unknown_badge_tapped_within_15_seconds_is_given_to_whom_the_team_said(
    lathe: Machine, reader: Device
) -> None:
    person = make_person()
    wanted = wait_for_badge(device=reader, person=person, by=make_staff(site=lathe.site), now=NOW, label="blue")

    decision = tap(reader, at=NOW + dt.timedelta(seconds=14))

    wanted.refresh_from_db()
    assert decision.is_allowed
    assert wanted.badge is not None
    assert (wanted.badge.person, wanted.badge.label) == (person, "blue")


def test_badge_tapped_later_is_given_to_nobody(lathe: Machine, reader: Device) -> None:
    wait_for_badge(device=reader, person=make_person(), by=make_staff(site=lathe.site), now=NOW)

    assert tap(reader, at=NOW + dt.timedelta(seconds=15)).reason == "unknown_badge"
    assert not Badge.objects.exists()


def test_lost_badge_does_not_come_back_by_being_tapped(lathe: Machine, reader: Device) -> None:
    badge_of(make_person(), blocked_at=NOW)
    wait_for_badge(device=reader, person=make_person(), by=make_staff(site=lathe.site), now=NOW)

    assert tap(reader, at=NOW + dt.timedelta(seconds=2)).reason == "unknown_badge"


def test_session_that_is_over_ends_at_the_next_sweep_once_its_device_is_gone(lathe: Machine, reader: Device) -> None:
    with_badge()
    decision = tap(reader)
    Device.objects.filter(pk=reader.pk).update(is_online=False)

    ended = [sweep_access(now=NOW + minutes(61)), sweep_access(now=NOW + minutes(62))]

    session = AccessSession.objects.get(reference=decision.session_id)
    assert ended == [1, 0]
    assert session.stop_reason == "booking_end"


def test_session_that_is_over_is_not_ended_while_it_works(lathe: Machine, reader: Device) -> None:
    with_badge()
    tap(reader)
    ReportedState.objects.create(machine=lathe, state=UseState.BUSY, since=NOW, at=NOW + minutes(61))

    sweep_access(now=NOW + minutes(65))

    assert open_access(lathe.pk) is not None


def test_idle_machine_is_told_to_go_off_and_not_said_to_be_off(lathe: Machine, reader: Device) -> None:
    MachineAccess.objects.create(machine=lathe, idle_off_after=minutes(10))
    with_badge()
    tap(reader)
    ReportedState.objects.create(machine=lathe, state=UseState.IDLE, since=NOW, at=NOW)
    Device.objects.filter(pk=reader.pk).update(last_seen_at=NOW + minutes(11))

    for minute in (10, 11, 11):
        sweep_access(now=NOW + minutes(minute))

    told = DeviceCommand.objects.get(device=reader)
    assert (told.kind, told.data["reason"], told.data["when_idle"]) == ("disable", "idle_timeout", False)
    assert open_access(lathe.pk) is not None


def test_session_whose_button_nobody_presses_ends_and_gives_the_time_back(lathe: Machine, reader: Device) -> None:
    MachineAccess.objects.create(machine=lathe, needs_button=True)
    with_badge()
    tap(reader)

    sweep_access(now=NOW + dt.timedelta(seconds=46))

    assert open_access(lathe.pk) is None
    assert Reservation.objects.get(machine=lathe).status in (Status.COMPLETED, Status.CANCELLED)


def test_shared_extractor_follows_any_of_its_machines(lathe: Machine, reader: Device) -> None:
    saw = make_machine(site=lathe.site, category=lathe.category)
    extractor = make_machine(site=lathe.site, category=lathe.category)
    fan = make_device("fan", extractor)
    for machine in (lathe, saw):
        UnitPart.objects.create(whole=machine.unit, part=extractor.unit, is_shared=True)
    saw_reader = make_device("reader-2", saw)
    with_badge()
    with_badge(OTHER)

    for decision in (tap(reader), tap(saw_reader, OTHER)):
        power_on(decision)
    tap(reader, at=NOW + minutes(10))
    still_on = list(DeviceCommand.objects.filter(device=fan).order_by("pk").values_list("kind", flat=True))
    tap(saw_reader, OTHER, at=NOW + minutes(20))

    assert still_on == ["enable", "enable"]
    assert DeviceCommand.objects.filter(device=fan).latest("pk").kind == "disable"


def test_machine_waits_to_be_checked_after_each_use_where_that_is_asked(lathe: Machine, reader: Device) -> None:
    MachineAccess.objects.create(machine=lathe, is_checked_after=True)
    with_badge()
    with_badge(OTHER)
    power_on(tap(reader))
    tap(reader, at=NOW + minutes(10))

    next_one = tap(reader, OTHER, at=NOW + minutes(11))

    assert next_one.reason == "previous_to_check"


def test_qualified_person_is_let_in(lathe: Machine, reader: Device) -> None:
    wanted = make_qualification()
    category = make_category(qualification=wanted)
    Machine.objects.filter(pk=lathe.pk).update(category=category)
    grant(person=with_badge(), qualification=wanted)

    assert tap(reader).is_allowed


def test_plug_of_a_machine_is_its_relay_where_a_reader_of_another_make_stands(lathe: Machine) -> None:
    door = make_device("door", lathe, kind=DriverKind.RFID, topic="door-reader")
    make_device("plug", lathe, kind=DriverKind.TASMOTA, topic="plug-04")
    with_badge()
    routes = Directory().foreign("door-reader/tag")

    for at in (NOW, NOW + minutes(5)):
        tapped_at_reader(RawMessage("door-reader/tag", NUMBER.encode(), at), routes, at, {})

    told = list(DeviceCommand.objects.order_by("pk").values_list("device__slug", "kind"))
    assert [route.slug for route in routes] == [door.slug]
    assert told == [("plug", "enable"), ("plug", "disable")]


def test_badge_that_lies_on_a_reader_of_another_make_is_one_request(lathe: Machine) -> None:
    make_device("door", lathe, kind=DriverKind.RFID, topic="door-reader")
    with_badge()
    routes = Directory().foreign("door-reader/tag")

    taps: dict[tuple[str, str], dt.datetime] = {}
    for step in range(20):
        at = NOW + dt.timedelta(seconds=step / 2)
        tapped_at_reader(RawMessage("door-reader/tag", NUMBER.encode(), at), routes, at, taps)

    assert AccessAttempt.objects.count() == 1


def test_badge_whose_answer_failed_is_asked_about_again(lathe: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    make_device("door", lathe, kind=DriverKind.RFID, topic="door-reader")
    with_badge()
    taps: dict[tuple[str, str], dt.datetime] = {}
    given = RawMessage("door-reader/tag", NUMBER.encode(), NOW), Directory().foreign("door-reader/tag")
    with monkeypatch.context() as away:
        away.setattr("iot.ingest.asking.answer", lambda *_given: (_ for _ in ()).throw(OperationalError("deadlock")))
        with pytest.raises(OperationalError):
            tapped_at_reader(*given, NOW, taps)

    for later_s in (0.2, 0.4):
        tapped_at_reader(*given, NOW + dt.timedelta(seconds=later_s), taps)

    assert AccessAttempt.objects.get().is_allowed


def test_reservation_extended_on_a_page_holds_at_the_machine_too(lathe: Machine, reader: Device) -> None:
    camille = with_badge()
    reservation = reserve(machine=lathe, holder=camille, start=NOW, end=NOW + minutes(60))
    tap(reader)
    Reservation.objects.filter(pk=reservation.pk).update(end=NOW + minutes(90))

    sweep_access(now=NOW + minutes(50))

    session, told = open_access(lathe.pk), DeviceCommand.objects.get()
    assert session is not None
    assert session.until == NOW + minutes(90)
    assert (told.kind, told.data["session_id"], told.data["most_s"]) == ("enable", session.reference, 40 * 60)


def test_reservation_extended_while_the_device_is_away_holds_once_it_is_back(lathe: Machine, reader: Device) -> None:
    reservation = reserve(machine=lathe, holder=with_badge(), start=NOW, end=NOW + minutes(60))
    power_on(tap(reader))
    Reservation.objects.filter(pk=reservation.pk).update(end=NOW + minutes(90))
    for minute in (40, 41, 42):
        sweep_access(now=NOW + minutes(minute))

    sent = [take_to_send(now=NOW + minutes(minute)) for minute in (45, 55, 95)]

    told = DeviceCommand.objects.get()
    assert [[command.data["most_s"] for command in each] for each in sent] == [[45 * 60], [35 * 60], []]
    assert (told.data["most_s"], told.expires_at) == (35 * 60, NOW + minutes(90))


def test_more_time_is_not_sent_for_a_session_that_is_over(lathe: Machine, reader: Device) -> None:
    reservation = reserve(machine=lathe, holder=with_badge(), start=NOW, end=NOW + minutes(60))
    began = tap(reader)
    power_on(began)
    Reservation.objects.filter(pk=reservation.pk).update(end=NOW + minutes(90))
    sweep_access(now=NOW + minutes(40))

    left_at = NOW + minutes(45)
    told_event(reader, Event(event="stop", session_id=began.session_id), left_at, left_at)

    assert DeviceCommand.objects.get().data["only_running"] is True
    assert take_to_send(now=NOW + minutes(46)) == []


def test_reservation_given_back_on_a_page_ends_at_the_machine_too(lathe: Machine, reader: Device) -> None:
    reservation = reserve(machine=lathe, holder=with_badge(), start=NOW, end=NOW + minutes(60))
    tap(reader)
    Reservation.objects.filter(pk=reservation.pk).update(status=Status.COMPLETED, end=NOW + minutes(20))
    Device.objects.filter(pk=reader.pk).update(last_seen_at=NOW + minutes(21))

    sweep_access(now=NOW + minutes(21))

    assert DeviceCommand.objects.get().kind == "disable"


def test_session_that_cannot_be_ended_keeps_no_other_one_open(lathe: Machine, reader: Device) -> None:
    door = make_device("door", make_machine(site=lathe.site), kind=DriverKind.RFID, topic="door-reader")
    with_badge()
    with_badge(OTHER)
    tap(door)
    tap(reader, OTHER)
    Device.objects.update(is_online=False)

    assert sweep_access(now=NOW + minutes(70)) == 2
