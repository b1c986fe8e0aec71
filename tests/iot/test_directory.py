"""Whose topic it is: nobody speaks for another, and the directory is never older than the database."""

import pytest

from iot.ingest.raw import Directory, RawMessage
from iot.ingest.store import Acknowledgement, store_batch
from iot.models import Device, QuarantinedMessage, Reading, SeenDevice
from machines.models import Machine
from tests.iot.builders import NOW, Talker, make_device, make_plug, store

pytestmark = pytest.mark.django_db


def ack(seq: int, slug: str = "plug-1") -> Acknowledgement:
    return Acknowledgement(slug, "boot-1", seq)


def test_message_on_an_unknown_device_s_topic_is_quarantined(talker: Talker) -> None:
    acks = store(Talker("nobody").power(1), talker.power(2))

    assert acks == [ack(1)]
    assert list(QuarantinedMessage.objects.values_list("code", "device", "topic")) == [
        ("unknown_device", None, "fablab/v1/nobody/up/reading")
    ]


def test_plug_that_is_not_ours_has_no_topic_of_our_protocol(machine: Machine) -> None:
    plug = make_plug("plug-04", machine)

    store(Talker(plug.slug).power(900), Talker("plug-04").power(900))

    assert QuarantinedMessage.objects.filter(code="unknown_device", device=None).count() == 2
    assert not Reading.objects.exists()


def test_device_of_ours_has_no_foreign_topic(device: Device) -> None:
    store(RawMessage(f"tele/{device.slug}/SENSOR", b'{"ENERGY": {"Power": 900}}', NOW))

    assert SeenDevice.objects.get().topic == device.slug
    assert not Reading.objects.exists()


def test_device_enrolled_since_the_directory_was_read_is_known_at_once(talker: Talker) -> None:
    directory = Directory()
    make_device("plug-2")

    acks = store_batch([Talker("plug-2").power(1)], directory, now=NOW)

    assert acks == [ack(1, slug="plug-2")]


def test_device_removed_since_the_directory_was_read_is_unknown(talker: Talker, device: Device) -> None:
    directory = Directory()
    other = make_device("plug-2")
    messages = [talker.power(1), Talker("plug-2").power(2)]
    other.delete()

    acks = store_batch(messages, directory, now=NOW)

    assert acks == [ack(1)]
    assert QuarantinedMessage.objects.get().code == "unknown_device"


def test_device_revoked_since_the_directory_was_read_is_unknown(talker: Talker, device: Device) -> None:
    directory = Directory()
    Device.objects.update(revoked_at=NOW)

    acks = store_batch([talker.power(1)], directory, now=NOW)

    assert acks == []
    assert not Reading.objects.exists()
    assert QuarantinedMessage.objects.get().code == "unknown_device"
