"""Devices from the settings pages: made, moved, given thresholds, shut out."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from iot.device_services import DeviceError, create_device, revoke_device, update_device
from iot.forms import DeviceForm
from iot.models import Device, ReportedState, UsageSession, UseState
from iot.sessions import locked_states
from machines.models import Machine
from people.models import Person
from tests.factories import NOW, make_machine, minutes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

THRESHOLDS = {
    "busy_w": "50", "idle_w": "25", "busy_after_0": "10", "busy_after_1": "s", "idle_after_0": "1",
    "idle_after_1": "min", "silent_after_0": "60", "silent_after_1": "s",
}  # fmt: skip


def made(by: Person, *, name: str = "Plug of the laser", **fields: object) -> Device:
    return create_device(**({"name": name, "kind": "fablab", "machine": make_machine(), "by": by} | fields))


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Plug of the laser", "plug-of-the-laser"), ("plug_04", "plug-04"), ("箱", "device"), ("A", "device-a")],
    ids=["words", "underscore", "no letter of ours", "one letter"],
)
def test_device_gets_an_identifier_fit_for_topics(by, name, slug):
    assert made(by, name=name).slug == slug


def test_two_devices_of_one_name_get_two_identifiers(by):
    assert [made(by).slug, made(by).slug] == ["plug-of-the-laser", "plug-of-the-laser-2"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"busy_w": 10.0, "idle_w": 20.0}, "The idle threshold is not above the busy one."),
        ({"kind": "tasmota"}, "A device that is not ours needs its topic; ours needs none."),
        ({"kind": "tasmota", "topic": "plug-04"}, "Another device already speaks on this topic."),
    ],
    ids=["thresholds crossed", "no topic", "topic taken"],
)
def test_device_that_breaks_a_rule_says_so(by, fields, words):
    made(by, kind="tasmota", topic="plug-04")

    with pytest.raises(ValidationError) as refused:
        made(by, **fields)

    assert refused.value.messages == [words]
    assert Device.objects.count() == 1


def test_device_is_not_named_as_our_own_account_at_the_broker(by, settings):
    """Two accounts of one name would leave the broker's files as they were, whatever changes after."""
    settings.BROKER = settings.BROKER | {"username": "workshop"}

    slugs = [made(by, name="Workshop").slug, made(by, name="Workshop").slug]

    assert slugs == ["device-workshop", "device-workshop-2"]


def report_of(device: Device) -> ReportedState:
    return ReportedState.objects.create(machine=device.machine, device=device, state=UseState.BUSY, since=NOW)


def test_device_moved_takes_its_last_word_along(by):
    device, elsewhere = made(by), make_machine()
    report_of(device)

    update_device(device=device, by=by, machine=elsewhere)

    device.refresh_from_db()
    assert (device.machine, ReportedState.objects.count()) == (elsewhere, 0)


def test_device_that_stays_keeps_what_it_said(by):
    device = made(by)
    report_of(device)

    update_device(device=device, by=by, name="Plug", busy_w=80.0)

    assert ReportedState.objects.get().state == UseState.BUSY


def test_device_does_not_leave_a_machine_in_use(by):
    device = made(by)
    before: Machine | None = device.machine
    report_of(device)
    UsageSession.objects.create(machine=before, device=device, start=NOW, last_busy_at=NOW)

    with pytest.raises(DeviceError) as refused:
        update_device(device=device, by=by, machine=make_machine())

    device.refresh_from_db()
    assert (refused.value.code, device.machine) == ("in_use", before)


@pytest.mark.serial
@pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS))
def test_device_is_moved_while_a_message_of_its_is_stored(by):
    """Ingest locks the device, then its machine's state: in the other order each would wait for the other."""
    device, elsewhere = made(by), make_machine()
    report_of(device)

    def move():
        try:
            update_device(device=Device.objects.get(pk=device.pk), by=by, machine=elsewhere)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Device.objects.select_for_update(no_key=True, of=("self",)).get(pk=device.pk)
            moving = pool.submit(move)
            wait_until_somebody_waits()
            locked_states([device.machine_id])
        moving.result(timeout=10)

    assert (Device.objects.get().machine, ReportedState.objects.count()) == (elsewhere, 0)


def wait_until_somebody_waits():
    give_up_at = time.monotonic() + 10
    while time.monotonic() < give_up_at:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError("nobody waited")


def test_device_shut_out_twice_is_shut_out_once(by):
    device = made(by)

    revoke_device(device=device, by=by, now=NOW)
    revoke_device(device=device, by=by, now=NOW + minutes(5))

    device.refresh_from_db()
    assert (device.revoked_at, device.password_hash) == (NOW, "")


# --- the form ---------------------------------------------------------------------------------------------------


def typed(where: Machine, /, **fields: str) -> DeviceForm:
    data = THRESHOLDS | {"name": "Plug", "kind": "fablab", "machine": str(where.pk)} | fields
    return DeviceForm(data, machines=Machine.objects.all())


def test_form_reads_lengths_in_their_unit():
    form = typed(make_machine())

    assert form.is_valid(), form.errors
    assert (form.cleaned_data["busy_after"], form.cleaned_data["idle_after"]) == (minutes(1 / 6), minutes(1))


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"kind": "tasmota"}, ["topic"]),
        ({"kind": "tasmota", "topic": "a/#"}, ["topic"]),
        ({"machine": ""}, ["machine"]),
        ({"busy_after_0": ""}, ["busy_after"]),
        ({"busy_after_0": "-3"}, ["busy_after"]),
        ({"busy_after_1": "weeks"}, ["busy_after"]),
        ({"silent_after_0": "900000", "silent_after_1": "h"}, ["silent_after"]),
    ],
    ids=["plug without topic", "wildcard", "no machine", "no length", "negative", "odd unit", "a century"],
)
def test_form_says_which_field_is_wrong(fields, wrong):
    assert list(typed(make_machine(), **fields).errors) == wrong


def test_form_forgets_the_topic_of_a_device_of_ours():
    form = typed(make_machine(), topic="left-over")

    assert form.is_valid(), form.errors
    assert form.cleaned_data["topic"] == ""


def test_form_of_a_device_that_exists_does_not_offer_another_kind(by):
    form = DeviceForm(instance=made(by), machines=Machine.objects.all())

    assert set(form.fields) & {"kind", "topic"} == set()
