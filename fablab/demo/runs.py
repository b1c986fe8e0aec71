"""Past runs as the readings that a device would have sent, through the code that takes real ones."""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fablab.demo.lab import BY_SLUG, Power
from iot.ingest.derive import MachineLog
from iot.models import Device
from iot.protocol import Reading, Sample

# Between two readings of the middle of a run; at its edges they are close, for the thresholds want them to last.
SPARSE = dt.timedelta(minutes=12)
BEGIN = (dt.timedelta(0), dt.timedelta(seconds=12))
FADE = (dt.timedelta(0), dt.timedelta(seconds=30), dt.timedelta(seconds=60))
HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Run:
    """A machine was busy over [start, end)."""

    slug: str
    start: dt.datetime
    end: dt.datetime
    # Whether it has ended: one that has not sends no falling power.
    is_over: bool = True
    every: dt.timedelta = SPARSE


def power_samples(run: Run, power: Power) -> Iterator[tuple[dt.datetime, float]]:
    """`(instant, power_w)` in order, just dense enough that the thresholds see the run."""
    for offset in BEGIN:
        yield run.start + offset, power.busy_w
    at, count = run.start + run.every, 0
    while at < run.end:
        # A curve that stands still looks broken.
        yield at, power.busy_w * (0.92 + 0.08 * (count % 3))
        at, count = at + run.every, count + 1
    if run.is_over:
        for offset in FADE:
            yield run.end + offset, power.idle_w


def replay(runs: Iterable[Run], *, boot: str, heard_at: dt.datetime | None = None) -> None:
    """Derive readings, states and usage sessions from the runs, machine by machine in the order of time.

    Must be called in a transaction: the machines' rows are locked. Side effects as for a batch of messages; presence
    only with `heard_at`, for runs that go on: without it they would be swept up as lost before their device is
    played. That a device is there now is not for the past to say.
    """
    by_slug: dict[str, list[Run]] = {}
    for run in runs:
        by_slug.setdefault(run.slug, []).append(run)
    devices = {d.slug: d for d in Device.objects.filter(slug__in=by_slug).order_by("pk")}
    if not devices:
        return
    log = MachineLog(devices.values(), max(run.end for group in by_slug.values() for run in group))
    for slug, device in devices.items():
        reported = log.states[device.machine_id or 0]
        meter = _Meter(BY_SLUG[slug].power, reported.energy_wh or 0.0)
        if heard_at is not None:
            log.presence(device, True, heard_at)
        seq = 0
        for run in sorted(by_slug[slug], key=lambda run: run.start):
            for at, power_w in power_samples(run, BY_SLUG[slug].power):
                seq += 1
                sample = Sample(power_w=round(float(power_w), 1), energy_wh=meter.at(at, power_w))
                log.observe(device, Reading([sample]), at, boot, seq)
    log.save()


class _Meter:
    """Counts energy between samples; while the machine stood idle it drew its idle power, for an hour at most."""

    def __init__(self, power: Power, energy_wh: float) -> None:
        self._idle_w = power.idle_w
        self._energy_wh = energy_wh
        self._last: tuple[dt.datetime, float] | None = None

    def at(self, instant: dt.datetime, power_w: float) -> float:
        if self._last is not None:
            since, drawn_w = self._last
            # After a run the last sample is an idle one, and nobody leaves a machine on for ever.
            span = min(instant - since, HOUR) if drawn_w <= self._idle_w else instant - since
            self._energy_wh += drawn_w * (span / HOUR)
        self._last = (instant, power_w)
        return round(self._energy_wh, 2)
