"""What the agent of a seat says: battery, last contact, whether it is locked. Nothing of what is on the screen."""

import datetime as dt
from dataclasses import dataclass

from fablab.machine_facts import StatusFacts
from iot.models import Device, DriverKind, ReportedState
from reservations.models import Reservation

# As the agent itself warns, unless it was set otherwise.
ENDS_SOON = dt.timedelta(minutes=5)
LOW_PCT = 20


@dataclass(frozen=True, slots=True)
class SeatAgent:
    """`battery_pct` is None where nothing measures it; `left` is the time until its end, None for an empty seat."""

    heard_at: dt.datetime | None
    is_silent: bool
    is_locked: bool
    battery_pct: int | None
    left: dt.timedelta | None

    @property
    def is_battery_low(self) -> bool:
        return self.battery_pct is not None and self.battery_pct < LOW_PCT

    @property
    def is_ending(self) -> bool:
        """Whoever sits there has been warned on the screen."""
        return self.left is not None and self.left <= ENDS_SOON


def agent_of(facts: StatusFacts, running: Reservation | None, now: dt.datetime) -> SeatAgent | None:
    """Of the seat's own agent; None for a seat without one."""
    device = next((device for device in facts.devices if device.kind == DriverKind.FABLAB), None)
    return None if device is None else heard_of(device, facts.reported, running, now)


def heard_of(
    device: Device, reported: ReportedState | None, running: Reservation | None, now: dt.datetime
) -> SeatAgent:
    """What the device's agent says; `running` is who sits there."""
    battery = reported.battery_pct if reported is not None else None
    left = max(running.end - now, dt.timedelta(0)) if running is not None else None
    return SeatAgent(
        device.last_seen_at, device.is_silent(now), device.is_locked, None if battery is None else round(battery), left
    )
