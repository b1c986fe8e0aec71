"""Messages that could not be read are read again, once a driver was mended: as if they had been understood then."""

import datetime as dt
import re
from dataclasses import dataclass, replace

from django.db import DataError, IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from fablab.lib.changes import note_change
from fablab.lib.live import announce_machines
from iot.clocks import boot_instant, corrected
from iot.drivers.base import Presence
from iot.ingest.derive import MachineLog
from iot.ingest.raw import Directory, RawMessage, Sorted, sort_batch
from iot.models import Device, DeviceBoot, InboxMessage, QuarantinedMessage
from iot.protocol import Access, Event, Hello, Numbered
from people.errors import NotAllowed
from people.models import Person
from people.permissions import is_manager

# What stands in place of a payload that may hold a badge number: see `iot.ingest.masking.fit_to_keep`.
_NOT_KEPT = re.compile(rb"\[\d+ bytes, not kept: ")
_TOPIC_MOST = 200
ROWS_AT_A_TIME = 200


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many were read; could still not be; and can never be, as not all of them was kept. When it was told to stop
    before the end: how many are still `to_come`, after the `last` one that was looked at."""

    read: int = 0
    left: int = 0
    not_kept: int = 0
    to_come: int = 0
    last: int | None = None


def is_whole(message: QuarantinedMessage) -> bool:
    """Whether all of it was kept, so that it can be tried again."""
    payload = bytes(message.payload)
    is_cut = len(payload) != message.size_bytes or len(message.topic) >= _TOPIC_MOST
    return not is_cut and not _NOT_KEPT.match(payload)


def replay(
    *,
    messages: QuerySet[QuarantinedMessage],
    by: Person | None,
    now: dt.datetime,
    most: int | None = None,
    after: int | None = None,
) -> Replayed:
    """Read these again, oldest first, each in a transaction of its own; those that were read before are passed over.

    Measured values are stored at the time at which they came. What happened counts for the machine's state only when
    nothing newer is known of it: an emergency stop of last week must not stop anybody today. `by` is None for the
    command line. `most`: stop once so many were looked at, for whoever waits for the answer; `after`: go on behind the
    `last` one of the time before, or begin anew when that one is gone.

    Raises:
        NotAllowed: `by` manages nothing where one of the devices stands; nothing was read then.
    """
    waiting = messages.filter(replayed_at=None)
    _check_may(by, waiting)
    ordered = _behind(waiting, after).order_by("received_at", "pk")
    keys = list(ordered.values_list("pk", flat=True)[:most])
    to_come = ordered.count() - len(keys) if len(keys) == most else 0
    directory, found = Directory(), Replayed()
    for begin in range(0, len(keys), ROWS_AT_A_TIME):
        rows = QuarantinedMessage.objects.filter(pk__in=keys[begin : begin + ROWS_AT_A_TIME])
        for row in rows.order_by("received_at", "pk"):
            if not is_whole(row):
                found = replace(found, not_kept=found.not_kept + 1)
            elif _is_read(row, directory, now):
                found = replace(found, read=found.read + 1)
                note_change("read again", row, by)
            else:
                found = replace(found, left=found.left + 1)
    return replace(found, to_come=to_come, last=keys[-1]) if to_come > 0 else found


def _behind(messages: QuerySet[QuarantinedMessage], after: int | None) -> QuerySet[QuarantinedMessage]:
    last = QuarantinedMessage.objects.filter(pk=after).only("received_at").first() if after is not None else None
    if last is None:
        return messages
    return messages.filter(Q(received_at=last.received_at, pk__gt=last.pk) | Q(received_at__gt=last.received_at))


def _check_may(by: Person | None, messages: QuerySet[QuarantinedMessage]) -> None:
    if by is None:
        return
    # One that belongs to no device concerns whoever runs a place.
    devices = Device.objects.filter(quarantine__in=messages).select_related("machine__unit__site").distinct()
    machines = [None, *(device.machine for device in devices)]
    if not all(is_manager(by, machine) for machine in machines):
        raise NotAllowed("not_a_manager", _("Only those who run the place try messages again."))


def _is_read(row: QuarantinedMessage, directory: Directory, now: dt.datetime) -> bool:
    batch = sort_batch([RawMessage(row.topic, bytes(row.payload), row.received_at)], directory)
    is_somebodys = row.topic.startswith("fablab/") or bool(directory.foreign(row.topic))
    if batch.rejected or not is_somebodys:
        return False
    try:
        return _stored(row, batch, now)
    except (DataError, IntegrityError):
        # Readable, and still nothing that the database takes.
        return False


@transaction.atomic
def _stored(row: QuarantinedMessage, batch: Sorted, now: dt.datetime) -> bool:
    if not QuarantinedMessage.objects.filter(pk=row.pk, replayed_at=None).update(replayed_at=now):
        return False
    devices = {
        device.slug: device
        for device in Device.objects.filter(slug__in=batch.slugs, revoked_at=None)
        .select_related("machine__unit__site")
        .select_for_update(no_key=True, of=("self",))
        .order_by("pk")
    }
    if batch.slugs - devices.keys():
        # Shut out this very moment.
        transaction.set_rollback(True)
        return False
    logs = MachineLog(devices.values(), now)
    for slug, observation, raw in batch.foreign:
        if not isinstance(observation, Presence):
            _observe(logs, devices[slug], observation, raw.received_at, "", 0)
    for slug, message, raw in batch.numbered:
        _store_numbered(logs, devices[slug], message, raw)
    logs.save()
    announce_machines(logs.changed_machine_ids)
    return True


def _store_numbered(logs: MachineLog, device: Device, message: Numbered, raw: RawMessage) -> None:
    """It takes the place in the numbering that was held for it. A message that came in its stead was stored then."""
    kept = {
        "leaf": message.leaf, "device_at": message.at, "uptime_s": message.uptime_s, "payload": raw.payload,
        "received_at": raw.received_at, "is_void": False,
    }  # fmt: skip
    place, is_new = InboxMessage.objects.get_or_create(device=device, boot=message.boot, seq=message.seq, defaults=kept)
    if not is_new and not InboxMessage.objects.filter(pk=place.pk, is_void=True).update(**kept):
        return
    boot = DeviceBoot.objects.filter(device=device, boot=message.boot).first()
    if boot is not None and boot.done_seq < message.seq:
        # Its turn is still to come: ingest reads the inbox once what is missing before it has come.
        return
    at = corrected(
        message.at,
        message.uptime_s,
        booted_at=boot.booted_at if boot else boot_instant(raw.received_at, message.uptime_s),
        is_anchored=boot.is_anchored if boot else False,
        received_at=raw.received_at,
    )
    _observe(logs, device, message.data, at, message.boot, message.seq)


def _observe(logs: MachineLog, device: Device, data: object, at: dt.datetime, boot: str, seq: int) -> None:
    """Values go where they belong by themselves; events and greetings of the past change nothing of today."""
    state = logs.states.get(device.machine_id or 0)
    known_at = max((known for known in (state.at if state else None, device.last_seen_at) if known), default=None)
    is_past = known_at is not None and at < known_at
    if isinstance(data, Access) or (isinstance(data, Event | Hello) and is_past):
        return
    logs.observe(device, data, at, boot, seq)  # type: ignore[arg-type]
