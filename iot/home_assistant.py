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
    news,
    server_sign,
    withdrawals,
)
from iot.models import Device, ReportedState, UseState
from iot.protocol import VERSION
from machines.models import Machine

# The topic of whether anybody publishes at all.
TAKEN_SLUG = "server"
NOBODY_KNOWS = {UseState.UNKNOWN}


@dataclass(slots=True)
class HomeAssistant:
    """What it was told, so that only what changed is told again; told everything by each process that begins."""

    told: dict[str, bytes] = field(default_factory=dict)
    slugs: set[str] = field(default_factory=set)

    def changes(self, now: dt.datetime) -> list[Message]:
        """The messages to publish, each to be kept by the broker. Two queries."""
        machines = list(Machine.objects.filter(retired_at=None).with_places().order_by("pk"))
        reported = {row.machine_id: row for row in ReportedState.objects.all()}
        heard: dict[int, list[Device]] = {}
        for device in Device.objects.filter(revoked_at=None, machine__isnull=False):
            heard.setdefault(device.machine_id or 0, []).append(device)
        # Those that no device reports for would stand there without a value for ever.
        shown = [machine for machine in machines if machine.pk in heard and machine.slug != TAKEN_SLUG]
        wanted: list[Message] = [server_sign(is_online=True)]
        for slug in self.slugs - {machine.slug for machine in shown}:
            wanted += withdrawals(slug)
        self.slugs = {machine.slug for machine in shown}
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
