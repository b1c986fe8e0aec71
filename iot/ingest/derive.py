"""Readings, reported states and usage sessions, derived from messages in their order under the machine's lock."""

import datetime as dt
from collections.abc import Collection
from operator import attrgetter
from typing import Literal

from django.db import connection

from iot import sessions
from iot.access.told import told_event, told_offline
from iot.capabilities import UNSUPPORTED, told_capabilities
from iot.drivers.base import Relay
from iot.heat import TELL_THEIR_NOZZLE, hot_after
from iot.ingest.bulk import insert_new, update_rows
from iot.models import Device, DriverKind, ReadingKind, ReportedState, StopReason, UsageSession, UseState
from iot.orders import Kind, note_answer, note_reports, order_answered
from iot.power import Meter, Thresholds, step
from iot.protocol import Access, CommandAck, Event, Hello, Reading, Sample
from iot.why_ended import with_its_reason

FIELDS = {
    "power_w": ReadingKind.POWER_W,
    "energy_wh": ReadingKind.ENERGY_WH,
    "temperature_c": ReadingKind.TEMPERATURE_C,
    "progress_pct": ReadingKind.PROGRESS_PCT,
    "battery_pct": ReadingKind.BATTERY_PCT,
}
# Ten thousand samples a batch: their values are taken all at once, their kinds as plain numbers.
VALUES_OF, KINDS = attrgetter(*FIELDS), tuple(map(int, FIELDS.values()))

READING_TYPES = {
    "device_id": "int8", "boot": "text", "seq": "int8", "index": "int2", "kind": "int2", "at": "timestamptz",
    "value": "float8",
}  # fmt: skip

EVENT_STATES = {
    "busy": UseState.BUSY,
    "idle": UseState.IDLE,
    "energised": UseState.IDLE,
    "de_energised": UseState.OFF,
    "fault": UseState.FAULT,
    "stop": UseState.IDLE,
    "safety_input": UseState.FAULT,
}


class MachineLog:
    """What a batch changes, gathered and written once. Rows are locked when it is made."""

    def __init__(self, devices: Collection[Device], now: dt.datetime) -> None:
        self.now = now
        self.devices = {device.pk: device for device in devices}
        self._limits = {
            d.pk: Thresholds(d.busy_w, d.idle_w, d.busy_after, d.idle_after, d.silent_after) for d in devices
        }
        machine_ids = sorted({d.machine_id for d in self.devices.values() if d.machine_id})
        self.states = sessions.locked_states(machine_ids)
        self.open = {s.machine_id: s for s in UsageSession.objects.filter(machine__in=machine_ids, end=None)}
        self.readings: list[tuple[int, str, int, int, int, dt.datetime, float]] = []
        self.changed_machine_ids: set[int] = set()
        self._touched: set[int] = set()
        self._spoke_of_itself: set[int] = set()
        self._set_up: set[int] = set()
        self._meters: dict[int, Device | None] = {}
        self._tellers: dict[int, list[Device]] = {}
        # What devices that are not ours report, by device and the order that it answers: received when, last.
        self._answers: dict[tuple[int, str], dt.datetime] = {}

    def presence(self, device: Device, is_online: bool, seen_at: dt.datetime | None) -> None:
        """The device was heard, or its last will was. `seen_at` is None when the news may be old."""
        if device.is_online != is_online and device.machine_id:
            self.changed_machine_ids.add(device.machine_id)
        device.is_online = is_online
        if seen_at and (device.last_seen_at is None or seen_at > device.last_seen_at):
            device.last_seen_at = seen_at
        state = self.states.get(device.machine_id or 0)
        if state and is_online and seen_at and state.is_unreachable:
            state.is_unreachable = False
            self._touch(state)

    def observe(
        self,
        device: Device,
        data: Relay | Hello | Event | Reading | Access | CommandAck,
        at: dt.datetime,
        boot: str,
        seq: int,
    ) -> None:
        """One message's worth of news, `at` by our clock. A device that is not ours has no boot and gets a number."""
        if device.kind != DriverKind.FABLAB and (kind := order_answered(data)):
            self._answers[device.pk, kind] = max(at, self._answers.get((device.pk, kind), at))
        if isinstance(data, Reading):
            number = seq or self._next_foreign_number()
            for index, sample in enumerate(data.samples):
                self._sample(device, sample, at - dt.timedelta(milliseconds=sample.age_ms), boot, number, index)
        elif isinstance(data, Event):
            told = with_its_reason(device, data)
            if told.event in EVENT_STATES:
                self._event(device, told, at)
            # After the machine's own state: what follows from it may ask for it.
            told_event(device, told, at, self.now)
        elif isinstance(data, CommandAck):
            self._answer(device, data, at)
        elif isinstance(data, Access) and data.decided:
            told_offline(device, data, at)
        elif isinstance(data, Hello):
            self._hello(device, data)

    def _hello(self, device: Device, data: Hello) -> None:
        self._spoke_of_itself.add(device.pk)
        device.firmware = data.firmware or device.firmware
        device.reported_config_version = data.config_version
        device.reported_roster_version = data.roster_version
        device.is_locked = data.is_locked
        if device.kind == DriverKind.FABLAB:
            # It may have been set up otherwise: what it had no means for is asked of it again.
            device.capabilities, device.refuses = told_capabilities(data.capabilities), []
            self._set_up.add(device.pk)

    def _answer(self, device: Device, told: CommandAck, at: dt.datetime) -> None:
        command = note_answer(device, told, at=at)
        if command is None:
            return
        if told.is_done and (command.kind == Kind.LOCK or command.data.get("lift") is True):
            # Its own word, as much as its next hello.
            device.is_locked = command.kind == Kind.LOCK
            self._spoke_of_itself.add(device.pk)
        if told.reason == UNSUPPORTED and command.kind not in device.refuses:
            device.refuses = [*device.refuses, command.kind]
            self._set_up.add(device.pk)

    def _sample(self, device: Device, sample: Sample, at: dt.datetime, boot: str, seq: int, index: int) -> None:
        for kind, value in zip(KINDS, VALUES_OF(sample), strict=True):
            if value is not None:
                self.readings.append((device.pk, boot, seq, index, kind, at, value))
        state = self.states.get(device.machine_id or 0)
        if state is None or (state.at is not None and at < state.at):
            return
        self._energy(device, state, sample)
        if sample.battery_pct is not None:
            state.battery_pct = sample.battery_pct
        if sample.temperature_c is not None and device.kind in TELL_THEIR_NOZZLE:
            state.hot_at = hot_after(state.hot_at, sample.temperature_c, at)
        if sample.power_w is not None and self._is_its("power_meter", device, state):
            self._power(device, state, sample.power_w, at)
        state.at, state.device_id = at, device.pk
        self._touch(state)

    def _is_its(self, meter: Literal["meter", "power_meter"], device: Device, state: ReportedState) -> bool:
        """Of several that measure at a machine, the one that was attached first and is heard: one counter would seem to
        jump, and what one draws would take back what the other does."""
        known = getattr(state, f"{meter}_id")
        if known == device.pk:
            return True
        other = self._at_its_machine(known, state) if known is not None else None
        is_heard = other is not None and (other.pk in self.devices or not other.is_silent(self.now))
        if is_heard and known < device.pk:
            return False
        setattr(state, f"{meter}_id", device.pk)
        if meter == "meter":
            state.energy_wh = None
        else:
            state.power_w = state.crossing_since = None
        return True

    def _at_its_machine(self, device_id: int, state: ReportedState) -> Device | None:
        """One query a batch, and only where more than one device measures."""
        if device_id not in self._meters:
            rows = Device.objects.filter(pk=device_id, revoked_at=None)
            self._meters[device_id] = self.devices.get(device_id) or rows.first()
        found = self._meters[device_id]
        return found if found is not None and found.machine_id == state.machine_id else None

    def _energy(self, device: Device, state: ReportedState, sample: Sample) -> None:
        if sample.energy_wh is None or not self._is_its("meter", device, state):
            return
        session = self.open.get(state.machine_id)
        if session is not None and state.energy_wh is not None:
            # A meter that goes down was reset: what it shows now has been used since.
            used = sample.energy_wh - state.energy_wh
            session.energy_wh = (session.energy_wh or 0) + (used if used >= 0 else sample.energy_wh)
        state.energy_wh = sample.energy_wh

    def _power(self, device: Device, state: ReportedState, power_w: float, at: dt.datetime) -> None:
        limits = self._limits[device.pk]
        # Little power neither switches a machine on again nor mends it.
        known = UseState.IDLE if state.state in (UseState.OFF, UseState.FAULT) else UseState(state.state)
        after = step(Meter(known, state.since, state.crossing_since, state.at), at, power_w, limits)
        state.power_w, state.crossing_since = power_w, after.crossing_since
        if after.state != known and not self._knows_better(state, after.state):
            self._turn(device, state, UseState(after.state), after.since or at, UsageSession.Source.POWER)
        session = self.open.get(state.machine_id)
        if session is not None and power_w >= device.idle_w and at > session.last_busy_at:
            session.last_busy_at = at

    def _knows_better(self, state: ReportedState, target: str) -> bool:
        """Whether the printer's own software, which is heard, tells of its use: a plug neither ends its run while it
        draws little, nor sees one that it would not tell of."""
        session = self.open.get(state.machine_id)
        kinds = sessions.TELL_ALL_USE if target == UseState.BUSY else sessions.TELL_THEIR_USE
        if target != UseState.BUSY and (session is None or session.device_id is None):
            return False
        for teller in self._tellers_of(state.machine_id):
            is_meant = target == UseState.BUSY or (session is not None and teller.pk == session.device_id)
            if is_meant and teller.kind in kinds and not teller.is_silent(self.now):
                return True
        return False

    def _tellers_of(self, machine_id: int) -> list[Device]:
        """The printer's own software at the machine. One query a batch, and only when power says otherwise."""
        if machine_id not in self._tellers:
            rows = Device.objects.filter(machine=machine_id, revoked_at=None, kind__in=sessions.TELL_THEIR_USE)
            self._tellers[machine_id] = [self.devices.get(row.pk, row) for row in rows]
        return self._tellers[machine_id]

    def _event(self, device: Device, told: Event, at: dt.datetime) -> None:
        state = self.states.get(device.machine_id or 0)
        if state is None:
            return
        target = EVENT_STATES[told.event]
        session = self.open.get(state.machine_id)
        if target != UseState.BUSY and session is not None and session.device_id != device.pk and at < session.start:
            # Told late, of a time before what another device sees now.
            return
        # A plug that lets power through says nothing about use while use is being measured. A stop is also told of a
        # start that nobody took up: what was off or at fault goes on being so.
        says_nothing = (told.event == "energised" and state.state == UseState.BUSY) or (
            told.event == "stop" and state.state in (UseState.OFF, UseState.FAULT)
        )
        if device.kind in sessions.TELL_THEIR_USE:
            self._told_by_its_own(device, state, target)
        elif told.event in ("idle", "stop") and state.state == UseState.BUSY:
            # Somebody left, and their print goes on.
            says_nothing = says_nothing or (
                told.reason not in sessions.FOR_SAFETY and self._knows_better(state, target)
            )
        if not says_nothing and state.state != target:
            was_busy = state.state == UseState.BUSY
            self._turn(device, state, target, at, UsageSession.Source.EVENT, sessions.told_reason(told))
            if was_busy and device.kind in sessions.TELL_THEIR_USE and state.power_w:
                # Its bed and fans go on for a while: no second run. See `iot.power`.
                state.crossing_since = state.since
        if device.kind in sessions.TELL_THEIR_USE:
            state.is_paused = sessions.is_paused_by(told)
        session = self.open.get(state.machine_id)
        if target == UseState.BUSY and session is not None:
            session.last_busy_at = max(session.last_busy_at, at)
        state.at, state.device_id = max(at, state.at or at), device.pk
        self._touch(state)

    def _told_by_its_own(self, device: Device, state: ReportedState, target: UseState) -> None:
        """A run that power saw first is the print that its printer tells of from here on."""
        session = self.open.get(state.machine_id)
        if target == UseState.BUSY and session is not None and session.source == UsageSession.Source.POWER:
            session.device, session.source = device, UsageSession.Source.EVENT
            session.save(update_fields=["device", "source"])

    def _turn(
        self,
        device: Device,
        state: ReportedState,
        target: UseState,
        at: dt.datetime,
        source: UsageSession.Source,
        reason: StopReason | None = None,
    ) -> None:
        state.state, state.since, state.crossing_since, state.is_paused = target, at, None, False
        self.changed_machine_ids.add(state.machine_id)
        session = self.open.get(state.machine_id)
        if target == UseState.BUSY:
            if session is None:
                self.open[state.machine_id] = sessions.open_session(
                    machine_id=state.machine_id, device=device, at=at, source=source
                )
        elif session is not None and session.source != UsageSession.Source.PRINT_JOB:
            sessions.close_session(session, at=at, reason=reason or sessions.reason_of(target))
            del self.open[state.machine_id]

    def _touch(self, state: ReportedState) -> None:
        self._touched.add(state.machine_id)
        self.changed_machine_ids.add(state.machine_id)

    def _next_foreign_number(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval('iot_foreign_reading')")
            return int(cursor.fetchone()[0])

    def save(self) -> None:
        """Write all of it: a few statements, however large the batch."""
        insert_new("iot_reading", READING_TYPES, self.readings)
        update_rows(list(self.devices.values()), ["is_online", "last_seen_at"])
        # Rarely: not with what each batch changes.
        update_rows(
            [self.devices[pk] for pk in sorted(self._spoke_of_itself)],
            ["firmware", "reported_config_version", "reported_roster_version", "is_locked"],
        )
        update_rows([self.devices[pk] for pk in sorted(self._set_up)], ["capabilities", "refuses"])
        for device_id in note_reports(self._answers):
            self.changed_machine_ids |= {self.devices[device_id].machine_id or 0} - {0}
        touched = [self.states[machine_id] for machine_id in sorted(self._touched)]
        if touched:
            update_rows(
                touched,
                ["device", "meter", "power_meter", "state", "since", "power_w", "energy_wh", "battery_pct", "at",
                 "crossing_since", "is_unreachable", "hot_at", "is_paused"],
            )  # fmt: skip
        running = [s for s in self.open.values() if s.machine_id in self._touched]
        if running:
            update_rows(running, ["last_busy_at", "energy_wh"])
