"""A round of rosters keeps no order waiting, and asks once what somebody may do at a machine."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fablab.lib.secretbox import seal
from iot.access.roster import Asked, roster_of
from iot.ingest.downlink import Downlink
from iot.models import BadgeMark, Device
from iot.orders import Kind, order
from machines.models import Machine
from tests.factories import NOW, grant, make_person, make_qualification, minutes, reserve, suspend
from tests.iot.builders import make_device
from tests.iot.readers import badge_of

pytestmark = pytest.mark.django_db

KEY = "ab" * 32


def make_reader(machine: Machine, slug: str) -> Device:
    return make_device(slug, machine, roster_key_sealed=seal(KEY))


def test_order_that_is_given_during_a_round_of_rosters_is_sent_before_the_next_one(lathe: Machine) -> None:
    reader, other = make_reader(lathe, "reader-1"), make_reader(lathe, "reader-2")
    topics: list[str] = []

    def publish(topic: str, _payload: bytes, _is_retained: bool) -> None:
        if not topics:
            order(device=other, kind=Kind.LOCK, by=None, now=NOW)
        topics.append(topic)

    Downlink(publish, lambda: NOW, threading.Event()).send_rosters(NOW)

    assert topics == [
        f"fablab/v1/{reader.slug}/down/roster",
        f"fablab/v1/{other.slug}/down/command",
        f"fablab/v1/{other.slug}/down/roster",
    ]


@pytest.fixture
def asked_often(lathe: Machine) -> Device:
    """Somebody who has five times at a machine."""
    reader, person = make_reader(lathe, "reader-1"), make_person()
    BadgeMark.objects.create(device=reader, badge=badge_of(person), mark="m-1")
    for hour in range(2, 12, 2):
        reserve(machine=lathe, holder=person, start=NOW + timedelta(hours=hour), end=NOW + timedelta(hours=hour + 1))
    return reader


def queries_of(device: Device, asked: Asked) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        roster = roster_of(Device.objects.get(pk=device.pk), NOW, asked)
    assert len(roster.entries) == 5
    return len(queries)


def test_somebody_with_many_times_is_asked_about_once_in_a_round(asked_often: Device) -> None:
    asked: Asked = {}

    first, second = queries_of(asked_often, asked), queries_of(asked_often, asked)

    assert len(asked) == 1
    assert first <= 20
    assert second <= first - 4


def test_somebody_who_may_not_by_the_last_of_their_times_is_left_out(lathe: Machine, asked_often: Device) -> None:
    wanted = make_qualification()
    Machine.objects.filter(pk=lathe.pk).update(qualification=wanted)
    person = BadgeMark.objects.get().badge.person
    grant(person=person, qualification=wanted)
    while_they_may = roster_of(Device.objects.get(pk=asked_often.pk), NOW).entries
    suspend(person=person, start=NOW + minutes(500))

    assert len(while_they_may) == 5
    assert roster_of(Device.objects.get(pk=asked_often.pk), NOW).entries == []
