"""A batch of messages → the database, in one transaction: inbox, numbering, readings, sessions.

One hostile message must not block a batch: what the database refuses is found by halving and quarantined.
"""

import datetime as dt
import logging
from collections import defaultdict
from dataclasses import dataclass

from django.db import DataError, IntegrityError, transaction

from fablab.lib.live import announce_machines
from iot.clocks import boot_instant, corrected
from iot.drivers.base import Presence
from iot.ingest.derive import MachineLog
from iot.ingest.raw import Directory, RawMessage, Rejected, Sorted, sort_batch
from iot.models import Device, DeviceBoot, InboxMessage, QuarantinedMessage
from iot.protocol import Hello, Numbered, parse_numbered

log = logging.getLogger(__name__)

KEPT_BYTES = 4096
# After this long, a hole in the numbering is passed over: the agent has lost that message.
GAP_PATIENCE = dt.timedelta(seconds=60)


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
    batch = sort_batch(raws, directory)
    if any(r.code == "unknown_device" for r in batch.rejected):
        directory.reload()
        batch = sort_batch(raws, directory)
    try:
        with transaction.atomic():
            return _store(batch, now)
    except (DataError, IntegrityError) as error:
        if len(raws) == 1:
            with transaction.atomic():
                reason = Rejected(raws[0], "refused_by_database", str(error)[:300])
                return _store(Sorted(rejected=[reason]), now)
        middle = len(raws) // 2
        return [
            *store_batch(raws[:middle], directory, now=now),
            *store_batch(raws[middle:], directory, now=now),
        ]


def _store(batch: Sorted, now: dt.datetime) -> list[Acknowledgement]:
    # Locked in one order by every consumer; a device's messages are derived by one of them at a time.
    devices = {
        device.slug: device
        for device in Device.objects.filter(slug__in=batch.slugs).select_for_update(no_key=True).order_by("pk")
    }
    _quarantine(batch.rejected, devices)
    logs = MachineLog(devices.values(), now)
    boots = _boots(batch, devices)
    _apply_statuses(batch, devices, boots, logs)
    acks = _apply_numbered(batch, devices, boots, logs, now)
    for slug, observation, raw in batch.foreign:
        device = devices[slug]
        if isinstance(observation, Presence):
            logs.presence(device, observation.is_online, None if raw.is_retained else raw.received_at)
        else:
            logs.observe(device, observation, raw.received_at, "", 0)
            logs.presence(device, True, raw.received_at)
    logs.save()
    DeviceBoot.objects.bulk_update(
        boots.values(), ["done_seq", "booted_at", "is_anchored", "gap_since"]
    ) if boots else None
    announce_machines(logs.changed_machine_ids)
    return acks


def _quarantine(rejected: list[Rejected], devices: dict[str, Device]) -> None:
    QuarantinedMessage.objects.bulk_create(
        QuarantinedMessage(
            device=devices.get(r.device_slug),
            topic=r.raw.topic.replace("\x00", "�")[:200],
            payload=r.raw.payload[:KEPT_BYTES],
            size_bytes=len(r.raw.payload),
            code=r.code,
            detail=r.detail.replace("\x00", "�")[:300],
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
    DeviceBoot.objects.bulk_create(
        [
            DeviceBoot(
                device_id=device_id,
                boot=boot,
                booted_at=boot_instant(received_at, uptime_s),
                first_received_at=received_at,
            )
            for (device_id, boot), (received_at, uptime_s) in seen.items()
        ],
        ignore_conflicts=True,
    )
    rows = DeviceBoot.objects.filter(
        device_id__in={key[0] for key in seen}, boot__in={key[1] for key in seen}
    ).order_by("pk")
    return {(row.device_id, row.boot): row for row in rows if (row.device_id, row.boot) in seen}


def _apply_statuses(
    batch: Sorted, devices: dict[str, Device], boots: dict[tuple[int, str], DeviceBoot], logs: MachineLog
) -> None:
    for slug, status, raw in batch.statuses:
        device = devices[slug]
        is_online = status.state == "online"
        logs.presence(device, is_online, raw.received_at if is_online and not raw.is_retained else None)
        if is_online and status.boot is not None and status.uptime_s is not None and not raw.is_retained:
            boot = boots[device.pk, status.boot]
            boot.booted_at = min(boot.booted_at, boot_instant(raw.received_at, status.uptime_s))
            boot.is_anchored = True


def _apply_numbered(
    batch: Sorted,
    devices: dict[str, Device],
    boots: dict[tuple[int, str], DeviceBoot],
    logs: MachineLog,
    now: dt.datetime,
) -> list[Acknowledgement]:
    fresh: dict[tuple[int, str], dict[int, tuple[Numbered | None, dt.datetime]]] = defaultdict(dict)
    rows = []
    for slug, message, raw in batch.numbered:
        key = (devices[slug].pk, message.boot)
        boot = boots[key]
        boot.booted_at = min(boot.booted_at, boot_instant(raw.received_at, message.uptime_s))
        logs.presence(devices[slug], True, raw.received_at)
        if message.seq > boot.done_seq and message.seq not in fresh[key]:
            fresh[key][message.seq] = (message, raw.received_at)
            rows.append(_inbox_row(key, message, raw))
    for rejected in batch.rejected:
        if rejected.number and rejected.device_slug in devices:
            key = (devices[rejected.device_slug].pk, rejected.number[0])
            if rejected.number[1] > boots[key].done_seq and rejected.number[1] not in fresh[key]:
                fresh[key][rejected.number[1]] = (None, rejected.raw.received_at)
                rows.append(_void_row(key, rejected))
    InboxMessage.objects.bulk_create(rows, ignore_conflicts=True)
    slugs = {device.pk: slug for slug, device in devices.items()}
    acks = []
    for key in sorted(boots, key=lambda k: boots[k].pk):
        boot = boots[key]
        _derive_in_order(devices[slugs[key[0]]], boot, fresh.get(key, {}), logs, now)
        if boot.done_seq:
            acks.append(Acknowledgement(slugs[key[0]], boot.boot, boot.done_seq))
    return acks


def _inbox_row(key: tuple[int, str], message: Numbered, raw: RawMessage) -> InboxMessage:
    return InboxMessage(
        device_id=key[0],
        boot=message.boot,
        seq=message.seq,
        leaf=message.leaf,
        device_at=message.at,
        uptime_s=message.uptime_s,
        payload=raw.payload,
        received_at=raw.received_at,
    )


def _void_row(key: tuple[int, str], rejected: Rejected) -> InboxMessage:
    boot, seq = rejected.number or ("", 0)
    return InboxMessage(
        device_id=key[0], boot=boot, seq=seq, leaf="", device_at="", uptime_s=0, payload=b"",
        received_at=rejected.raw.received_at, is_void=True,
    )  # fmt: skip


def _derive_in_order(
    device: Device,
    boot: DeviceBoot,
    fresh: dict[int, tuple[Numbered | None, dt.datetime]],
    logs: MachineLog,
    now: dt.datetime,
) -> None:
    """Turn what is contiguous into readings and sessions; what lies beyond a hole waits in the inbox."""
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
        if isinstance(message.data, Hello):
            device.firmware = message.data.firmware
        else:
            logs.observe(device, message.data, at, boot.boot, message.seq)
    beyond = any(seq > boot.done_seq for seq in waiting)
    boot.gap_since = (boot.gap_since or now) if beyond else None


def _waiting_in_inbox(device: Device, boot: DeviceBoot) -> dict[int, tuple[Numbered | None, dt.datetime]]:
    rows = InboxMessage.objects.filter(device=device, boot=boot.boot, seq__gt=boot.done_seq)
    return {
        row.seq: (None if row.is_void else parse_numbered(row.leaf, bytes(row.payload)), row.received_at)
        for row in rows.order_by("seq")[:5000]
    }
