"""Our machines in Home Assistant: what changed since it was told last, read only and without anybody's name."""

import datetime as dt
from dataclasses import dataclass, field

from django.conf import settings
from django.utils.translation import override

from iot.drivers.homeassistant_out import (
    MachineCard,
    MachineNews,
    Message,
    announcements,
    may_be_told,
    news,
    server_sign,
    withdrawals,
)
from iot.models import Device, ReportedState, UseState
from iot.protocol import VERSION
from machines.models import Machine

NOBODY_KNOWS = {UseState.UNKNOWN}


@dataclass(slots=True)
class HomeAssistant:
    """What it was told, so that only what changed is told again; told everything by each process that begins. `slugs`:
    of every machine that this process has known, as one may be named anew."""

    told: dict[str, bytes] = field(default_factory=dict)
    slugs: set[str] = field(default_factory=set)

    def changes(self, now: dt.datetime) -> list[Message]:
        """The messages to publish, each to be kept by the broker. Three queries."""
        # Retired ones too: the broker may keep what a process before this one told of them.
        machines = [row for row in Machine.objects.with_places().order_by("pk") if may_be_told(row.slug)]
        reported = {row.machine_id: row for row in ReportedState.objects.all()}
        heard: dict[int, list[Device]] = {}
        for device in Device.objects.filter(revoked_at=None, machine__isnull=False):
            heard.setdefault(device.machine_id or 0, []).append(device)
        # Those that no device reports for would stand there without a value for ever.
        shown = [machine for machine in machines if machine.pk in heard and machine.retired_at is None]
        wanted: list[Message] = [server_sign(is_online=True)]
        # What it was told once is remembered, so that each is taken back once for each connection.
        self.slugs |= {machine.slug for machine in machines}
        for slug in sorted(self.slugs - {machine.slug for machine in shown}):
            wanted += withdrawals(slug)
        with override(settings.LANGUAGE_CODE):
            for machine in shown:
                wanted += self._of(machine, reported.get(machine.pk), heard[machine.pk], now)
        fresh = [message for message in wanted if self.told.get(message.topic) != message.payload]
        self.told.update({message.topic: message.payload for message in fresh})
        return fresh

    def _of(
        self, machine: Machine, state: ReportedState | None, devices: list[Device], now: dt.datetime
    ) -> tuple[Message, ...]:
        is_reachable = any(not device.is_silent(now) for device in devices)
        known = state is not None and is_reachable and state.state not in NOBODY_KNOWS
        card = MachineCard(
            machine.slug,
            machine.name,
            model=machine.category.name,
            room=machine.room.name if machine.room else "",
            url=settings.PUBLIC_URL + machine.get_absolute_url(),
            has_meter=state is not None and (state.power_w is not None or state.energy_wh is not None),
        )
        told = MachineNews(
            str(state.state) if known and state is not None else None,
            is_reachable,
            state.power_w if known and state is not None else None,
            state.energy_wh if state is not None else None,
        )
        return (*announcements(card, version=str(VERSION)), *news(machine.slug, told))
