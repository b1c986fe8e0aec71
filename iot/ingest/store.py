"""A batch of messages → the database, in one transaction: inbox, numbering, readings, sessions.

One hostile message must not block a batch: what the database refuses is found by halving and quarantined.
"""

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from django.db import DataError, IntegrityError, InterfaceError, OperationalError, transaction

from fablab.lib.live import announce_machines
from iot.access.sessions import lock_access
from iot.clocks import boot_instant, corrected
from iot.drivers.base import Presence
from iot.ingest.bulk import insert_new, update_rows
from iot.ingest.derive import MachineLog
from iot.ingest.masking import fit_to_keep, fit_to_tell, masked
from iot.ingest.raw import Directory, RawMessage, Rejected, Sorted, slug_of, sort_batch
from iot.ingest.sightings import note_seen
from iot.models import Device, DeviceBoot, InboxMessage, QuarantinedMessage
from iot.protocol import Access, Event, MalformedMessage, Numbered, parse_numbered, peek_number

log = logging.getLogger(__name__)

KEPT_BYTES = 4096
# PostgreSQL's undefined_table and undefined_column.
OTHER_SHAPE = {"42P01", "42703"}
MACHINE = "machine__unit__site"
# After this long, a hole in the numbering is passed over: the agent has lost that message.
GAP_PATIENCE = dt.timedelta(seconds=60)
# Later by more than a message is usually delayed.
DRIFT_MOST = dt.timedelta(seconds=10)


class DirectoryIsStale(Exception):
    """A device of the directory was renamed, revoked or removed since it was read."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Everything of this boot up to `seq` is committed."""

    device_slug: str
    boot: str
    seq: int


def store_batch(raws: list[RawMessage], directory: Directory, *, now: dt.datetime) -> list[Acknowledgement]:
    """Commit the batch and say how far each agent may forget.

    Raises:
        OperationalError, InterfaceError: the database is away; nothing was stored, try the same batch again.
    """
    # First of all: from here on, nothing that is stored or logged knows a badge's number.
    return _store_masked([masked(raw, directory) for raw in raws], directory, now)


def _store_masked(raws: list[RawMessage], directory: Directory, now: dt.datetime) -> list[Acknowledgement]:
    batch = sort_batch(raws, directory)
    if any(r.code == "unknown_device" for r in batch.rejected):
        directory.reload()
        batch = sort_batch(raws, directory)
    try:
        return _store(batch, now)
    except DirectoryIsStale:
        directory.reload()
        return _store_masked(raws, directory, now)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        if getattr(error.__cause__, "sqlstate", "") in OTHER_SHAPE:
            # An upgrade is under way: no message is at fault.
            raise OperationalError(*error.args) from error
        # Whatever it is that one message brings about, the others are stored.
        if not isinstance(error, DataError | IntegrityError):
            log.exception("A message could not be stored; looking for it among %d.", len(raws))
        if len(raws) == 1:
            return _store_refused(raws[0], directory, str(error), now)
        middle = len(raws) // 2
        return [
            *_store_masked(raws[:middle], directory, now),
            *_store_masked(raws[middle:], directory, now),
        ]


def _store_refused(raw: RawMessage, directory: Directory, detail: str, now: dt.datetime) -> list[Acknowledgement]:
    """Quarantine a message, and fill its place in the numbering so that it is not sent for ever."""
    slug = slug_of(raw.topic, directory)
    number = peek_number(raw.payload) if slug else None
    try:
        return _store(Sorted(rejected=[Rejected(raw, "refused_by_database", detail, slug, number)]), now)
    except (DataError, IntegrityError):
        # Its place itself is what the database refuses.
        return _store(Sorted(rejected=[Rejected(raw, "refused_by_database", detail, slug)]), now)


@transaction.atomic
def _store(batch: Sorted, now: dt.datetime) -> list[Acknowledgement]:
    lock_access(_machines_with_access(batch))
    # Locked in one order by every consumer; a device's messages are derived by one of them at a time.
    rows = Device.objects.filter(slug__in=batch.slugs, revoked_at=None).order_by("pk")
    rows = rows.select_for_update(no_key=True, of=("self",))
    # Values alone ask nothing of the machine but its number.
    devices = {device.slug: device for device in (rows if batch.is_values else rows.select_related(MACHINE))}
    if batch.slugs - devices.keys():
        raise DirectoryIsStale
    _quarantine(batch.rejected, devices)
    note_seen(batch.seen, now)
    logs = MachineLog(devices.values(), now)
    boots = _boots(batch, devices)
    _anchor(batch, devices, boots)
    acks = _apply_numbered(batch, devices, boots, logs, now)
    for slug, observation, raw in batch.foreign:
        # A retained measurement may be days old, and says not how old.
        if not isinstance(observation, Presence) and not raw.is_retained:
            logs.observe(devices[slug], observation, raw.received_at, "", 0)
    _apply_presence(batch, devices, logs)
    logs.save()
    update_rows(list(boots.values()), ["done_seq", "booted_at", "drifted_at", "is_anchored", "gap_since"])
    announce_machines(logs.changed_machine_ids)
    return acks


def _machines_with_access(batch: Sorted) -> list[int]:
    """Where somebody is let in or leaves by what this batch says: locked first of all, as a badge does."""
    slugs = {slug for slug, message, _ in batch.numbered if _is_about_access(message)}
    if not slugs:
        return []
    return list(Device.objects.filter(slug__in=slugs, machine__isnull=False).values_list("machine_id", flat=True))


def _is_about_access(message: Numbered) -> bool:
    data = message.data
    if isinstance(data, Event):
        return bool(data.session_id) or data.event in ("safety_input", "stop")
    return isinstance(data, Access) and bool(data.decided)


def _quarantine(rejected: list[Rejected], devices: dict[str, Device]) -> None:
    QuarantinedMessage.objects.bulk_create(
        QuarantinedMessage(
            device=devices.get(r.device_slug),
            topic=r.raw.topic.replace("\x00", "�")[:200],
            payload=fit_to_keep(r.raw).payload[:KEPT_BYTES],
            size_bytes=len(r.raw.payload),
            code=r.code,
            detail=fit_to_tell(r.raw, r.detail).replace("\x00", "�")[:300],
            received_at=r.raw.received_at,
        )
        for r in rejected
    )


def _boots(batch: Sorted, devices: dict[str, Device]) -> dict[tuple[int, str], DeviceBoot]:
    """The runs this batch speaks of, locked; new ones are made."""
    seen: dict[tuple[int, str], tuple[dt.datetime, float]] = {}
    for slug, message, raw in batch.numbered:
        seen.setdefault((devices[slug].pk, message.boot), (raw.received_at, message.uptime_s))
    for slug, status, raw in batch.statuses:
        if status.boot is not None:
            seen.setdefault((devices[slug].pk, status.boot), (raw.received_at, status.uptime_s or 0.0))
    for rejected in batch.rejected:
        if rejected.number and rejected.device_slug in devices:
            seen.setdefault((devices[rejected.device_slug].pk, rejected.number[0]), (rejected.raw.received_at, 0.0))
    if not seen:
        return {}
    known = _locked_boots(seen)
    missing = {key: began for key, began in seen.items() if key not in known}
    if not missing:
        return known
    DeviceBoot.objects.bulk_create(
        [
            DeviceBoot(
                device_id=device_id,
                boot=boot,
                booted_at=boot_instant(received_at, uptime_s),
                first_received_at=received_at,
            )
            for (device_id, boot), (received_at, uptime_s) in missing.items()
        ]
    )
    return _locked_boots(seen)


def _locked_boots(keys: Collection[tuple[int, str]]) -> dict[tuple[int, str], DeviceBoot]:
    """Nobody else makes or changes them: their devices are locked."""
    rows = DeviceBoot.objects.filter(device_id__in={key[0] for key in keys}, boot__in={key[1] for key in keys})
    return {(row.device_id, row.boot): row for row in rows.order_by("pk") if (row.device_id, row.boot) in keys}


def _anchor(batch: Sorted, devices: dict[str, Device], boots: dict[tuple[int, str], DeviceBoot]) -> None:
    for slug, status, raw in batch.statuses:
        if status.state == "online" and status.boot and status.uptime_s is not None and not raw.is_retained:
            boot = boots[devices[slug].pk, status.boot]
            _anchor_to(boot, boot_instant(raw.received_at, status.uptime_s))
            boot.is_anchored = True


def _anchor_to(boot: DeviceBoot, began: dt.datetime) -> None:
    """The least delayed tells the truth, until two in a row agree that the device's clock, or ours, went otherwise."""
    is_late = boot.is_anchored and began - boot.booted_at > DRIFT_MOST
    if is_late and boot.drifted_at is not None and abs(began - boot.drifted_at) <= DRIFT_MOST:
        boot.booted_at, is_late = began, False
    boot.booted_at = min(boot.booted_at, began)
    boot.drifted_at = began if is_late else None


def _apply_presence(batch: Sorted, devices: dict[str, Device], logs: MachineLog) -> None:
    """In the order of receipt: a goodbye in one batch with the device's last messages is its last word."""
    signs = [(raw, slug, status.state == "online") for slug, status, raw in batch.statuses]
    # Only a status means anything when it is retained: a message that the broker kept proves no presence.
    signs += [(raw, slug, True) for slug, _, raw in batch.numbered if not raw.is_retained]
    for slug, observation, raw in batch.foreign:
        if isinstance(observation, Presence):
            signs.append((raw, slug, observation.is_online))
        elif not raw.is_retained:
            signs.append((raw, slug, True))
    for raw, slug, is_online in sorted(signs, key=lambda sign: (sign[0].received_at, not sign[2])):
        logs.presence(devices[slug], is_online, raw.received_at if is_online and not raw.is_retained else None)


def _apply_numbered(
    batch: Sorted,
    devices: dict[str, Device],
    boots: dict[tuple[int, str], DeviceBoot],
    logs: MachineLog,
    now: dt.datetime,
) -> list[Acknowledgement]:
    fresh: dict[tuple[int, str], dict[int, tuple[Numbered | None, dt.datetime]]] = defaultdict(dict)
    rows: list[InboxRow] = []
    for slug, message, raw in batch.numbered:
        key = (devices[slug].pk, message.boot)
        boot = boots[key]
        boot.booted_at = min(boot.booted_at, boot_instant(raw.received_at, message.uptime_s))
        if message.seq > boot.done_seq and message.seq not in fresh[key]:
            fresh[key][message.seq] = (message, raw.received_at)
            rows.append(_inbox_row(key[0], message, raw))
    for rejected in batch.rejected:
        if rejected.number and rejected.device_slug in devices:
            key = (devices[rejected.device_slug].pk, rejected.number[0])
            if rejected.number[1] > boots[key].done_seq and rejected.number[1] not in fresh[key]:
                fresh[key][rejected.number[1]] = (None, rejected.raw.received_at)
                rows.append(_void_row(key[0], rejected))
    insert_new("iot_inboxmessage", INBOX_TYPES, rows)
    slugs = {device.pk: slug for slug, device in devices.items()}
    acks = []
    for key in sorted(boots, key=lambda k: boots[k].pk):
        boot = boots[key]
        _derive_in_order(devices[slugs[key[0]]], boot, fresh.get(key, {}), logs, now)
        if boot.done_seq:
            acks.append(Acknowledgement(slugs[key[0]], boot.boot, boot.done_seq))
    return acks


INBOX_TYPES = {
    "device_id": "int8", "boot": "text", "seq": "int8", "leaf": "text", "device_at": "text", "uptime_s": "float8",
    "payload": "bytea", "received_at": "timestamptz", "is_void": "bool",
}  # fmt: skip
# In the order of the columns above.
InboxRow = tuple[int, str, int, str, str, float, bytes, dt.datetime, bool]


def _inbox_row(device_id: int, message: Numbered, raw: RawMessage) -> InboxRow:
    at, uptime_s = message.at, message.uptime_s
    return device_id, message.boot, message.seq, message.leaf, at, uptime_s, raw.payload, raw.received_at, False


def _void_row(device_id: int, rejected: Rejected) -> InboxRow:
    boot, seq = rejected.number or ("", 0)
    return device_id, boot, seq, "", "", 0.0, b"", rejected.raw.received_at, True


def _derive_in_order(
    device: Device,
    boot: DeviceBoot,
    fresh: dict[int, tuple[Numbered | None, dt.datetime]],
    logs: MachineLog,
    now: dt.datetime,
) -> None:
    """Turn what is contiguous into readings and sessions; what lies beyond a hole waits in the inbox."""
    before = boot.done_seq
    waiting = dict(fresh)
    if boot.gap_since is not None:
        waiting |= _waiting_in_inbox(device, boot)
    if not waiting:
        return
    if boot.gap_since is not None and now - boot.gap_since > GAP_PATIENCE and boot.done_seq + 1 not in waiting:
        log.warning("%s: messages %s to %s never came", device.slug, boot.done_seq + 1, min(waiting) - 1)
        boot.done_seq = min(waiting) - 1
    while (entry := waiting.pop(boot.done_seq + 1, None)) is not None:
        message, received_at = entry
        boot.done_seq += 1
        if message is None:
            continue
        at = corrected(
            message.at,
            message.uptime_s,
            booted_at=boot.booted_at,
            is_anchored=boot.is_anchored,
            received_at=received_at,
        )
        logs.observe(device, message.data, at, boot.boot, message.seq)
    beyond = any(seq > boot.done_seq for seq in waiting)
    # Each hole has a patience of its own: with several consumers there is always some hole.
    is_same_hole = boot.gap_since is not None and boot.done_seq == before
    boot.gap_since = (boot.gap_since if is_same_hole else now) if beyond else None


def _waiting_in_inbox(device: Device, boot: DeviceBoot) -> dict[int, tuple[Numbered | None, dt.datetime]]:
    rows = InboxMessage.objects.filter(device=device, boot=boot.boot, seq__gt=boot.done_seq)
    return {
        row.seq: (None if row.is_void else _read_again(row), row.received_at) for row in rows.order_by("seq")[:5000]
    }


def _read_again(row: InboxMessage) -> Numbered | None:
    """A stored message; None when this version of the protocol cannot read it any more."""
    try:
        return parse_numbered(row.leaf, bytes(row.payload))
    except MalformedMessage as error:
        log.warning("A stored message of device %s is passed over: %s", row.device_id, error.code)
        return None
