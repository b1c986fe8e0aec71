"""Orders to devices, and the roster of those who may start out of reach."""

import datetime as dt
import hashlib
import hmac
import json
from typing import Any

import msgspec
import pytest

from fablab.lib.secretbox import seal
from iot.access.roster import roster_of
from iot.device_services import DeviceError
from iot.ingest.downlink import message_of
from iot.ingest.raw import RawMessage
from iot.models import Device, DeviceCommand, DriverKind, MachineAccess
from iot.orders import Kind, can_order, order, set_config, take_to_send
from machines.models import Machine, Outage
from people.errors import NotAllowed
from people.models import Person, Role
from reservations.group import reserve_group
from reservations.models import Reservation
from tests.factories import (
    NOW,
    make_machine,
    make_outage,
    make_person,
    make_staff,
    make_team,
    minutes,
    reserve,
    suspend,
)
from tests.iot.builders import make_device, store
from tests.iot.readers import OTHER, badge_of, tap, with_badge

pytestmark = pytest.mark.django_db

KEY = "ab" * 32


def plug_of(machine: Machine) -> Device:
    return make_device("plug", machine, kind=DriverKind.TASMOTA, topic="plug-04")


def test_order_is_commanded_and_not_reported(
    lathe: Machine, reader: Device, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        order(device=reader, kind=Kind.LOCK, by=make_staff(site=lathe.site), now=NOW, why="cleaning")

    reader.refresh_from_db()
    assert (reader.commanded, reader.commanded_at, reader.is_locked) == ("locked", NOW, False)


def test_order_of_somebody_who_is_not_of_the_team_is_refused(reader: Device) -> None:
    with pytest.raises(NotAllowed):
        order(device=reader, kind=Kind.MESSAGE, by=make_person(), now=NOW)


def test_settings_are_for_those_who_manage(lathe: Machine, reader: Device) -> None:
    with pytest.raises(NotAllowed):
        set_config(device=reader, settings={"beep": True}, by=make_staff(site=lathe.site), now=NOW)

    told = set_config(
        device=reader, settings={"beep": True}, by=make_staff(site=lathe.site, role=Role.FAB_MANAGER), now=NOW
    )

    assert told.data == {"version": 1, "settings": {"beep": True}}


def test_machine_that_can_hurt_is_never_switched_on_from_afar(lathe: Machine) -> None:
    plug = plug_of(lathe)
    Machine.objects.filter(pk=lathe.pk).update(risk_level=1)
    plug.refresh_from_db()

    with pytest.raises(DeviceError) as refused:
        order(device=plug, kind=Kind.ENABLE, by=None, now=NOW)

    assert refused.value.code == "dangerous_start"
    assert not DeviceCommand.objects.exists()


def test_device_is_asked_for_nothing_that_it_has_no_word_for(lathe: Machine) -> None:
    plug = plug_of(lathe)

    assert [kind for kind in Kind if can_order(plug, kind)] == [Kind.ENABLE, Kind.DISABLE, Kind.REBOOT]


def test_order_is_sent_again_until_it_is_answered_or_void(reader: Device) -> None:
    order(device=reader, kind=Kind.MESSAGE, by=None, now=NOW)
    seconds = dt.timedelta(seconds=1)

    sent = [len(take_to_send(now=NOW + n * seconds)) for n in (0, 5, 11, 22, 31)]

    assert sent == [1, 0, 1, 1, 0]


def test_order_speaks_the_language_of_its_device(lathe: Machine, reader: Device) -> None:
    plug = plug_of(lathe)
    ours = order(device=reader, kind=Kind.MESSAGE, by=None, now=NOW, data={"text": "hello"})
    foreign = order(device=plug, kind=Kind.DISABLE, by=None, now=NOW)

    topic, payload = message_of(ours, NOW) or ("", b"")

    assert topic == "fablab/v1/reader-1/down/command"
    assert json.loads(payload) | {"expires_at": "", "server_at": ""} == {
        "command_id": ours.reference, "command": "message", "expires_at": "", "data": {"text": "hello"},
        "server_at": "",
    }  # fmt: skip
    assert message_of(foreign, NOW) == ("cmnd/plug-04/POWER", b"OFF")


def test_older_order_is_not_sent_again_after_a_newer_one(reader: Device) -> None:
    order(device=reader, kind=Kind.ENABLE, by=None, now=NOW, data={"session_id": "s-1", "most_s": 60})
    order(device=reader, kind=Kind.LOCK, by=None, now=NOW)

    assert [command.kind for command in take_to_send(now=NOW)] == [Kind.LOCK]


@pytest.fixture
def with_key(reader: Device) -> Device:
    reader.roster_key_sealed = seal(KEY)
    reader.save()
    return reader


def mark(number: str) -> str:
    return hmac.new(bytes.fromhex(KEY), number.encode(), hashlib.sha256).hexdigest()


def tapped(person: Person, number: str, reader: Device) -> None:
    """Their badge was presented once: only then is its look at this device known."""
    badge_of(person, number)
    tap(reader, number, at=NOW - minutes(600))
    tap(reader, number, at=NOW - minutes(590))


def test_roster_names_those_with_a_reservation_by_what_their_badge_looks_like(lathe: Machine, with_key: Device) -> None:
    camille, ben = make_person(), make_person(first_name="Ben")
    tapped(camille, "04A2B91C", with_key)
    tapped(ben, OTHER, with_key)
    reserve(machine=lathe, holder=camille, start=NOW + minutes(60), end=NOW + minutes(120))

    roster = roster_of(with_key, NOW)

    assert [(entry.badge, entry.name, entry.start[11:16]) for entry in roster.entries] == [
        (mark("04A2B91C"), "Camille", (NOW + minutes(60)).strftime("%H:%M"))
    ]


def test_roster_holds_the_members_of_a_team_and_the_team_of_the_site(lathe: Machine, with_key: Device) -> None:
    ana, mo = make_person(first_name="Ana"), make_staff(site=lathe.site, first_name="Mo")
    tapped(ana, "04A2B91C", with_key)
    tapped(mo, OTHER, with_key)
    reservation = reserve(machine=lathe, holder=make_person(), start=NOW, end=NOW + minutes(120))
    reservation.team = make_team(site=lathe.site, members=[ana])
    reservation.save()

    names = {entry.name for entry in roster_of(with_key, NOW).entries}

    assert names == {"Ana", "Mo"}


def test_roster_holds_every_member_of_a_team_whose_group_has_the_machine(lathe: Machine, with_key: Device) -> None:
    ana, bo, lead = make_person(first_name="Ana"), make_person(first_name="Bo"), make_staff(site=lathe.site)
    tapped(ana, "04A2B91C", with_key)
    tapped(bo, OTHER, with_key)
    other = make_machine(site=lathe.site)
    held = reserve_group(
        site=lathe.site, units=[other.unit, lathe.unit], title="Turning", start=NOW + minutes(60),
        end=NOW + minutes(180), by=lead, now=NOW,
    )  # fmt: skip
    Reservation.objects.filter(pk=held.pk).update(team=make_team(site=lathe.site, members=[ana, bo]))

    entries = roster_of(with_key, NOW).entries

    start = (NOW + minutes(60)).strftime("%H:%M")
    assert sorted((entry.name, entry.start[11:16]) for entry in entries) == [("Ana", start), ("Bo", start)]


def test_roster_leaves_out_the_members_who_may_not_use_it(lathe: Machine, with_key: Device) -> None:
    ana, bo, cy = make_person(first_name="Ana"), make_person(first_name="Bo"), make_person(first_name="Cy")
    for person, number in ((ana, "04A2B91C"), (bo, OTHER), (cy, "04AAAAAA")):
        tapped(person, number, with_key)
    team = make_team(site=lathe.site, members=[ana, bo, cy])
    reserve(machine=lathe, holder=ana, start=NOW + minutes(60), end=NOW + minutes(120), team=team)
    suspend(person=bo, start=NOW - minutes(1))

    assert {entry.name for entry in roster_of(with_key, NOW).entries} == {"Ana", "Cy"}


@pytest.mark.parametrize(
    ("kind", "names"), [(Outage.Kind.LOCK_OUT, set()), (Outage.Kind.TO_CHECK, {"Mo"})], ids=["stopped", "to check"]
)
def test_roster_of_a_machine_that_nobody_may_begin_at(
    lathe: Machine, with_key: Device, kind: Outage.Kind, names: set[str]
) -> None:
    tapped(make_staff(site=lathe.site, first_name="Mo"), OTHER, with_key)
    camille = make_person()
    tapped(camille, "04A2B91C", with_key)
    reserve(machine=lathe, holder=camille, start=NOW + minutes(60), end=NOW + minutes(120))
    make_outage(machine=lathe, start=NOW, kind=kind)

    assert {entry.name for entry in roster_of(with_key, NOW).entries} == names


@pytest.mark.parametrize(
    ("risk", "access"),
    [(2, {}), (0, {"may_start_offline": False}), (0, {"needs_two_people": True})],
    ids=["can hurt", "as set", "two people"],
)
def test_roster_is_empty_where_nobody_may_start_out_of_reach(
    lathe: Machine, with_key: Device, risk: int, access: dict[str, bool]
) -> None:
    tapped(make_staff(site=lathe.site), OTHER, with_key)
    Machine.objects.filter(pk=lathe.pk).update(risk_level=risk)
    MachineAccess.objects.create(machine=lathe, **access)

    roster = roster_of(Device.objects.get(pk=with_key.pk), NOW)

    assert (roster.is_online_only, roster.entries) == (True, [])


def test_roster_is_numbered_upwards_and_signed_with_the_devices_own_key(lathe: Machine, with_key: Device) -> None:
    tapped(make_staff(site=lathe.site), OTHER, with_key)

    first, second = roster_of(with_key, NOW), roster_of(with_key, NOW + minutes(5))

    content = json.loads(msgspec.json.encode(second))
    signature = content.pop("signature")
    plain = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert first.version < second.version
    assert signature == hmac.new(bytes.fromhex(KEY), plain, hashlib.sha256).hexdigest()


def test_blocked_badge_is_in_no_roster(lathe: Machine, with_key: Device) -> None:
    person = with_badge(OTHER)
    tap(with_key, OTHER, at=NOW - minutes(600))
    person.badges.update(blocked_at=NOW)
    reserve(machine=lathe, holder=person, start=NOW, end=NOW + minutes(60))

    assert roster_of(with_key, NOW).entries == []


def heard(topic: str, payload: bytes, after_s: float) -> RawMessage:
    return RawMessage(topic, payload, NOW + dt.timedelta(seconds=after_s))


def zigbee(machine: Machine) -> Device:
    return make_device("zigbee", machine, kind=DriverKind.ZIGBEE2MQTT, topic="zigbee2mqtt/saw")


def shelly(machine: Machine) -> Device:
    return make_device("shelly", machine, kind=DriverKind.SHELLY, topic="shellyplus-1")


ON, OFF = Kind.ENABLE, Kind.DISABLE
REPORTS: dict[str, tuple[Any, DeviceCommand.Kind, str, bytes, str]] = {
    "tasmota says on": (plug_of, ON, "stat/plug-04/POWER", b"ON", "done"),
    "tasmota says off": (plug_of, OFF, "stat/plug-04/POWER", b"OFF", "done"),
    "tasmota says so with its state": (plug_of, ON, "tele/plug-04/STATE", b'{"POWER":"ON"}', "done"),
    "tasmota says the contrary": (plug_of, OFF, "stat/plug-04/POWER", b"ON", "sent"),
    "tasmota only measures": (plug_of, ON, "tele/plug-04/SENSOR", b'{"ENERGY":{"Power":5,"Total":1}}', "sent"),
    "tasmota has restarted": (
        plug_of, Kind.REBOOT, "tele/plug-04/INFO1", b'{"Info1":{"Module":"Pow","Version":"14.1"}}', "done",
    ),
    "shelly says on and measures": (shelly, ON, "shellyplus-1/status/switch:0", b'{"output":true,"apower":2}', "done"),
    "shelly says off": (shelly, OFF, "shellyplus-1/status/switch:0", b'{"output":false,"apower":0}', "done"),
    "zigbee says on and measures": (zigbee, ON, "zigbee2mqtt/saw", b'{"state":"ON","power":0}', "done"),
    "zigbee says off": (zigbee, OFF, "zigbee2mqtt/saw", b'{"state":"OFF","power":0}', "done"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "kind", "topic", "payload", "state"), REPORTS.values(), ids=REPORTS)
def test_order_to_a_device_of_another_make_is_done_once_it_reports_so(
    lathe: Machine, make: Any, kind: DeviceCommand.Kind, topic: str, payload: bytes, state: str
) -> None:
    made = order(device=make(lathe), kind=kind, by=None, now=NOW)
    take_to_send(now=NOW + dt.timedelta(seconds=1))
    made.refresh_from_db()

    assert made.state(NOW + dt.timedelta(seconds=2)) == "sent"

    store(heard(topic, payload, 2))

    made.refresh_from_db()
    assert made.state(NOW + dt.timedelta(seconds=3)) == state


@pytest.mark.parametrize(
    ("topic", "after_s"),
    [("stat/plug-04/POWER", 0.5), ("stat/plug-04/POWER", 31), ("stat/plug-05/POWER", 2)],
    ids=["before it was sent", "after it was void", "another plug"],
)
def test_report_that_is_no_answer_leaves_the_order_open(lathe: Machine, topic: str, after_s: float) -> None:
    made = order(device=plug_of(lathe), kind=Kind.ENABLE, by=None, now=NOW)
    make_device("plug-b", lathe, kind=DriverKind.TASMOTA, topic="plug-05")
    take_to_send(now=NOW + dt.timedelta(seconds=1))

    store(heard(topic, b"ON", after_s))

    made.refresh_from_db()
    assert (made.answered_at, made.state(NOW + dt.timedelta(seconds=32))) == (None, "expired")


def test_last_of_many_orders_to_a_plug_is_the_one_that_its_report_answers(lathe: Machine) -> None:
    plug = plug_of(lathe)
    for second in range(18):
        order(device=plug, kind=ON if second % 2 else OFF, by=None, now=NOW + dt.timedelta(seconds=second))
    sent = take_to_send(now=NOW + dt.timedelta(seconds=18))

    store(heard("stat/plug-04/POWER", b"ON", 19))

    states = [row.state(NOW + minutes(2)) for row in DeviceCommand.objects.order_by("pk")]
    assert [row.kind for row in sent] == [ON]
    assert states == ["expired"] * 17 + ["done"]


def test_plug_that_somebody_switched_off_again_is_not_switched_on_late(lathe: Machine) -> None:
    plug, mo = plug_of(lathe), make_staff(site=lathe.site)
    order(device=plug, kind=ON, by=mo, now=NOW)
    take_to_send(now=NOW)
    order(device=plug, kind=OFF, by=mo, now=NOW + dt.timedelta(seconds=5))

    sent = [
        [command.kind for command in take_to_send(now=NOW + dt.timedelta(seconds=second))] for second in (6, 12, 18)
    ]

    assert sent == [[OFF], [], [OFF]]


@pytest.mark.parametrize("kind", [Kind.LOCK, Kind.DISABLE])
def test_order_of_heat_keeps_no_other_from_being_sent(
    reader: Device, kind: DeviceCommand.Kind, django_capture_on_commit_callbacks: Any
) -> None:
    order(device=reader, kind=kind, by=None, now=NOW)
    with django_capture_on_commit_callbacks(execute=True):
        order(device=reader, kind=ON, by=None, now=NOW, data={"session_id": "s-1", "hot_s": 900})

    sent = [command.kind for command in take_to_send(now=NOW)]

    reader.refresh_from_db()
    assert (sent, reader.commanded) == ([kind, ON], "")


def test_lock_is_sent_through_what_the_software_orders_until_it_is_lifted(reader: Device) -> None:
    mo = make_staff(site=reader.machine.site)
    order(device=reader, kind=Kind.LOCK, by=mo, now=NOW)
    order(device=reader, kind=OFF, by=None, now=NOW)
    while_locked = [command.kind for command in take_to_send(now=NOW)]
    order(device=reader, kind=ON, by=mo, now=NOW + dt.timedelta(seconds=5))

    after = [command.kind for command in take_to_send(now=NOW + dt.timedelta(seconds=15))]

    assert (while_locked, after) == ([Kind.LOCK, OFF], [ON])


def test_plug_is_told_to_restart_once(lathe: Machine) -> None:
    order(device=plug_of(lathe), kind=Kind.REBOOT, by=None, now=NOW)

    sent = [len(take_to_send(now=NOW + dt.timedelta(seconds=second))) for second in (0, 11, 22)]

    assert sent == [1, 0, 0]
