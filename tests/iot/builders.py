"""Builders for the tests of devices: a machine, its device, and the messages it would send."""

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import Any

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from iot.ingest.raw import Directory, RawMessage
from iot.ingest.store import Acknowledgement, store_batch
from iot.models import Device, DriverKind
from machines.models import Category, Machine, Unit
from people.models import Person, Site
from reservations.models import HeldUnit, Reservation

NOW = dt.datetime(2026, 3, 12, 13, 0, tzinfo=dt.UTC)


def at(seconds: float) -> dt.datetime:
    """NOW and so many seconds."""
    return NOW + dt.timedelta(seconds=seconds)


def iso(instant: dt.datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


@dataclass
class Talker:
    """One run of a device of ours: numbers and dates its messages as the agent does."""

    slug: str
    boot: str = "boot-1"
    booted_s: float = 0.0
    seq: int = 0
    sent: list[RawMessage] = field(default_factory=list)

    def say(self, leaf: str, data: Any, at_s: float = 0.0, *, seq: int | None = None, **envelope: Any) -> RawMessage:
        """A numbered message made and received `at_s` after NOW; `envelope` overrides its fields."""
        self.seq = seq if seq is not None else self.seq + 1
        whole = {
            "v": 1, "boot": self.boot, "seq": self.seq, "at": iso(at(at_s)), "uptime_s": at_s - self.booted_s,
            "data": data,
        } | envelope  # fmt: skip
        return self._message(leaf, json.dumps(whole).encode(), at_s)

    def power(self, watts: float, at_s: float = 0.0, **sample: Any) -> RawMessage:
        return self.say("reading", {"samples": [{"power_w": watts} | sample]}, at_s)

    def event(self, name: str, at_s: float = 0.0, *, reason: str = "") -> RawMessage:
        return self.say("event", {"event": name, "reason": reason}, at_s)

    def status(self, state: str, at_s: float = 0.0, *, is_retained: bool = False) -> RawMessage:
        whole: dict[str, Any] = {"state": state}
        if state == "online":
            whole |= {"boot": self.boot, "at": iso(at(at_s)), "uptime_s": at_s - self.booted_s}
        return self._message("status", json.dumps(whole).encode(), at_s, is_retained=is_retained)

    def _message(self, leaf: str, payload: bytes, at_s: float, *, is_retained: bool = False) -> RawMessage:
        message = RawMessage(f"fablab/v1/{self.slug}/up/{leaf}", payload, at(at_s), is_retained)
        self.sent.append(message)
        return message


def store(*messages: RawMessage, now: dt.datetime | None = None) -> list[Acknowledgement]:
    """Commit one batch as a consumer that has just started would, at the last message's receipt."""
    return store_batch(list(messages), Directory(), now=now or messages[-1].received_at)


def make_machine(slug: str = "laser") -> Machine:
    site, _ = Site.objects.get_or_create(slug="workshop", defaults={"name": "Workshop"})
    category, _ = Category.objects.get_or_create(slug="lasers", defaults={"name_fr": "Lasers", "name_en": "Lasers"})
    return Machine.objects.create(unit=Unit.objects.create(site=site), category=category, name=slug, slug=slug)


def make_device(slug: str = "plug-1", machine: Machine | None = None, **fields: Any) -> Device:
    return Device.objects.create(slug=slug, machine=machine, **fields)


def make_plug(topic: str = "plug-04", machine: Machine | None = None, **fields: Any) -> Device:
    """A Tasmota plug, whose slug is not its topic."""
    return make_device(f"tasmota-{topic}", machine, kind=DriverKind.TASMOTA, topic=topic, **fields)


def make_reservation(machine: Machine, start_s: float, end_s: float, **fields: Any) -> Reservation:
    """Written straight into its table: the booking rules are not what these tests are about."""
    holder = fields.pop("holder", None) or Person.objects.create_user(first_name="Ana", last_name="Diaz")
    reservation = Reservation.objects.create(
        site=machine.site, machine=machine, holder=holder, start=at(start_s), end=at(end_s), booked_start=at(start_s),
        booked_end=at(end_s), created_at=NOW, created_by=holder, **fields,
    )  # fmt: skip
    times = DateTimeTZRange(reservation.start, reservation.end)
    HeldUnit.objects.create(reservation=reservation, unit_id=machine.unit_id, period=times, blocked=times)
    return reservation


BUSY = {"event": "busy"}


def envelope(data: Any = BUSY, **fields: Any) -> bytes:
    """A message of our protocol with whatever data, and `fields` in place of its own."""
    whole = {"v": 1, "boot": "boot-1", "seq": 41, "at": "2026-03-12T13:00:04.120Z", "uptime_s": 8123.4, "data": data}
    return json.dumps(whole | fields).encode()
