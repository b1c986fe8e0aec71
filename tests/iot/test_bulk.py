"""Many rows changed in one statement."""

import datetime as dt

import pytest
from django.db import DataError, IntegrityError, transaction

from iot.ingest.bulk import insert_new, update_rows
from iot.models import Device, ReportedState, SeenDevice
from tests.iot.builders import NOW, make_device, make_machine

pytestmark = pytest.mark.django_db


def test_each_row_gets_its_own_values_and_other_fields_stay() -> None:
    devices = [make_device(f"plug-{n}", name=f"Plug {n}") for n in range(3)]
    for n, device in enumerate(devices):
        device.name, device.firmware, device.is_online = "not written", f"fw {n}", n == 1
        device.last_seen_at = NOW if n else None

    update_rows(devices, ["firmware", "is_online", "last_seen_at"])

    found = Device.objects.order_by("slug").values_list("name", "firmware", "is_online", "last_seen_at")
    assert list(found) == [
        ("Plug 0", "fw 0", False, None),
        ("Plug 1", "fw 1", True, NOW),
        ("Plug 2", "fw 2", False, NOW),
    ]


def test_key_that_is_a_foreign_key_and_columns_of_nothing_are_written() -> None:
    machine, device = make_machine(), make_device()
    state = ReportedState.objects.create(machine=machine, device=device, power_w=5, since=NOW)
    state.device_id, state.power_w, state.since = None, None, None

    update_rows([state], ["device", "power_w", "since"])

    state.refresh_from_db()
    assert (state.device, state.power_w, state.since) == (None, None, None)


def test_duration_is_written() -> None:
    device = make_device()
    device.silent_after = dt.timedelta(days=1, microseconds=5)

    update_rows([device], ["silent_after"])

    assert Device.objects.get().silent_after == dt.timedelta(days=1, microseconds=5)


def test_text_too_long_is_refused_rather_than_cut() -> None:
    device = make_device()
    device.firmware = "x" * 61

    with pytest.raises(DataError), transaction.atomic():
        update_rows([device], ["firmware"])


def test_no_rows_ask_nothing(django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        update_rows([], ["firmware"])


SEEN = {"kind": "text", "topic": "text", "label": "text", "model": "text", "first_seen_at": "timestamptz",
        "last_seen_at": "timestamptz"}  # fmt: skip


def test_what_is_there_already_stays_and_the_rest_is_inserted() -> None:
    insert_new("iot_seendevice", SEEN, [("tasmota", "plug-1", "first", "", NOW, NOW)])

    insert_new("iot_seendevice", SEEN, [("tasmota", f"plug-{n}", "again", "", NOW, NOW) for n in (0, 1, 2)])
    insert_new("iot_seendevice", SEEN, [("tasmota", f"plug-{n}", "third", "", NOW, NOW) for n in (2, 3)])

    found = SeenDevice.objects.order_by("topic").values_list("topic", "label")
    assert list(found) == [("plug-0", "again"), ("plug-1", "first"), ("plug-2", "again"), ("plug-3", "third")]


def test_row_that_no_table_takes_is_told(refused_by_database) -> None:
    refused_by_database("iot_seendevice", "label = 'hostile'")

    with pytest.raises(IntegrityError), transaction.atomic():
        insert_new("iot_seendevice", SEEN, [("tasmota", "plug-1", "hostile", "", NOW, NOW)])
