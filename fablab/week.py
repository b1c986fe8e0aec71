"""The week of the lab for the overview: four numbers and when it is busy, summed up anew at most once a minute."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.core.cache import caches

from fablab.busy_hours import Row, busy_grid
from fablab.week_numbers import WeekNumbers, week_numbers
from iot.models import Device
from printing.models import Printer

KEPT_S = 60


def week_of(zone: ZoneInfo | dt.tzinfo, now: dt.datetime, machine_ids: Sequence[int]) -> tuple[WeekNumbers, list[Row]]:
    """As `week_numbers` and `busy_grid`, up to a minute old. Two queries, mostly none."""
    kept, key = caches["process"], f"week:{zone}:{hash(tuple(sorted(machine_ids)))}"
    found: tuple[WeekNumbers, list[Row]] | None = kept.get(key)
    if found is None:
        found = week_numbers(now, machine_ids), busy_grid(zone, now, machine_ids)
        kept.set(key, found, KEPT_S)
    return found


@dataclass(frozen=True, slots=True)
class Equipment:
    """Whether anything of the kind stands at the machines: what is said when nothing waits depends on it."""

    has_devices: bool
    has_printers: bool


def equipment_of(machine_ids: Sequence[int]) -> Equipment:
    """Up to a minute old. Two queries, mostly none."""
    kept, key = caches["process"], f"equipment:{hash(tuple(sorted(machine_ids)))}"
    found: Equipment | None = kept.get(key)
    if found is None:
        found = Equipment(
            Device.objects.filter(machine__in=machine_ids, revoked_at=None).exists(),
            Printer.objects.filter(machine__in=machine_ids, is_enabled=True).exists(),
        )
        kept.set(key, found, KEPT_S)
    return found
