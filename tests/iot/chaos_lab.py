"""A lab in which everything fails in turn and at once, compared in the end with what its machines really did."""

import datetime as dt
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from tests.contract.running_broker import wait_until
from tests.iot.chaos_players import CLOCKS, Pace, Player, make_player, name_of
from tests.iot.lab_processes import LabProcesses
from tests.iot.shaky_network import ShakyNetwork

# Instants on the wire are cut to the millisecond, ages rounded to it.
AS_WRITTEN = dt.timedelta(milliseconds=5)
# A wrong clock is replaced by receipt minus uptime: wrong by the way of the least delayed sign of life so far, which
# on a machine that runs two hundred agents and a whole lab on two cores is no longer than this.
AS_CORRECTED = dt.timedelta(seconds=1)
DELAY_S = 0.3

MAKE_DEVICES = """
import datetime as dt
from tests.iot.builders import make_device, make_machine
second = dt.timedelta(seconds=1)
for name in {names!r}:
    make_device(name, make_machine(name), busy_after=second, idle_after=second)
"""


class Fault(NamedTuple):
    """What goes wrong (at once, when there are several), after how long a calm, and for how long."""

    kinds: tuple[str, ...]
    after_s: float
    for_s: float


@dataclass(frozen=True)
class Plan:
    """One chaos, the same again with the same seed."""

    devices: int
    seed: int
    faults: int
    calm_s: tuple[float, float]
    broken_s: tuple[float, float]
    pace: Pace


KINDS = ("ingest", "broker", "database", "worker", "cut", "delay", "half close", "hold", "server's line", "agents")


def faults_of(plan: Plan) -> list[Fault]:
    """Each kind before any comes again; one time in three two at once."""
    rng, left, made = Random(plan.seed), [], []
    for _ in range(plan.faults):
        left = left or rng.sample(KINDS, len(KINDS))
        kinds = {left.pop()} | ({rng.choice(KINDS)} if rng.random() < 1 / 3 else set())
        made.append(
            Fault(tuple(sorted(kinds, key=KINDS.index)), rng.uniform(*plan.calm_s), rng.uniform(*plan.broken_s))
        )
    return made


class ChaosLab(LabProcesses):
    """Devices and the server's own processes each reach the broker over a network that can fail."""

    def __init__(self, plan: Plan) -> None:
        super().__init__([name_of(number) for number in range(plan.devices)])
        self.plan = plan
        self._rng = Random(plan.seed)
        self._devices_line = ShakyNetwork(self.port)
        self._servers_line = ShakyNetwork(self.port)
        self.servers_port = self._servers_line.port
        (self.folder / "outboxes").mkdir()
        self.players: list[Player] = []
        self._is_ending = threading.Event()
        self._is_over = threading.Event()
        self._feeder = threading.Thread(target=self._feed, name="players", daemon=True)
        self.faults_done: list[str] = []
        # How each part breaks, and how it is mended.
        self._parts: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
            "ingest": (self.kill_ingest, self.start_ingest),
            "broker": (self.kill_broker, self.start_broker),
            "database": (self.kill_database, self.start_database),
            "worker": (self.kill_worker, self.start_worker),
            "cut": (self._devices_line.cut, self._devices_line.mend),
            "delay": (lambda: self._devices_line.delay(DELAY_S), self._devices_line.mend),
            "half close": (lambda: self._devices_line.half_close(self._rng), lambda: None),
            "hold": (self._devices_line.hold, self._devices_line.mend),
            "server's line": (self._servers_line.cut, self._servers_line.mend),
            "agents": (self._restart_some, lambda: None),
        }

    def open(self) -> None:
        """Start everything at once: some devices speak before anybody listens, as after a power cut."""
        self.open_database(MAKE_DEVICES.format(names=self.names))
        self.start_broker()
        self.start_ingest()
        self.start_worker()
        self.players = [
            make_player(
                number,
                folder=self.folder / "outboxes",
                port=self._devices_line.port,
                password=self.password,
                seed=self.plan.seed,
                pace=self.plan.pace,
            )
            for number in range(self.plan.devices)
        ]
        for player in self.players:
            player.agent.start()
        self._feeder.start()
        assert wait_until(lambda: self.count("iot_inboxmessage") > len(self.players), 60), "nothing arrives"

    def suffer(self) -> None:
        """Every fault of the plan; midway the clocks that step back do so."""
        faults = faults_of(self.plan)
        for number, fault in enumerate(faults):
            time.sleep(fault.after_s)
            if number == len(faults) // 2:
                for player in self.players:
                    player.clock.jump()
            for kind in fault.kinds:
                self._parts[kind][0]()
            time.sleep(fault.for_s)
            for kind in fault.kinds:
                self._parts[kind][1]()
            self._revive_worker()
            self.faults_done.append(" + ".join(fault.kinds))

    def finish(self, within_s: float) -> dict[str, int]:
        """Let every use end, say no more, and wait until the lab has everything; what still waits, by device."""
        self._is_ending.set()
        self._feeder.join(within_s)
        assert not self._feeder.is_alive(), "a machine never came to rest"
        wait_until(lambda: not any(player.agent.outbox.waiting() for player in self.players), within_s)
        return {player.name: waiting for player in self.players if (waiting := player.agent.outbox.waiting())}

    def close(self) -> None:
        self._is_over.set()
        if self._feeder.ident:
            self._feeder.join(10)
        # Told at once and then waited for: each may be in the middle of a wait for the network.
        for player in self.players:
            player.agent._stopping.set()
        for player in self.players:
            player.agent.stop()
            player.agent.outbox.close()
        for line in (self._devices_line, self._servers_line):
            line.close()
        super().close()

    def _feed(self) -> None:
        while not self._is_over.is_set():
            began_s, is_ending = time.monotonic(), self._is_ending.is_set()
            for player in self.players:
                player.tick(is_ending=is_ending)
            if is_ending and all(player.is_at_rest() for player in self.players):
                return
            self._is_over.wait(max(0.0, self.plan.pace.every_s - (time.monotonic() - began_s)))

    def _restart_some(self) -> None:
        """Every fourth agent or so, all at once.

        Not one with a wrong clock in a run that the lab has never heard: nobody can tell when that run was (see
        iot/clocks.py), and what spans it and another one has no right length.
        """
        drawn = [player for player in self.players if self._rng.random() < 0.25]
        chosen = [player for player in drawn if player.clock.kind == "right" or player.agent.server_time.now()]
        threads = [threading.Thread(target=player.restart) for player in chosen]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _revive_worker(self) -> None:
        """It may end when the database does; the supervisor would start it again."""
        if self.worker is not None and self.worker.poll() is not None:
            self.start_worker()


@dataclass(frozen=True)
class Used:
    """One session, or one use; the bounds in seconds since the epoch."""

    start_s: float
    end_s: float

    @property
    def hours(self) -> float:
        return (self.end_s - self.start_s) / 3600


def faults_found(lab: ChaosLab) -> list[str]:
    """Everything in which the database differs from what the machines did; empty when all is well."""
    return [
        *_messages_amiss(lab),
        *_events_amiss(lab),
        *_sessions_amiss(lab),
        *_counts_amiss(lab),
    ]


def _messages_amiss(lab: ChaosLab) -> list[str]:
    made = {key: tally for player in lab.players for key, tally in player.tally().items()}
    stored = lab.stored()
    amiss = [f"{key}: made {made.get(key)}, stored {stored.get(key)}" for key in made | stored if
             made.get(key) != stored.get(key)]  # fmt: skip
    gaps = lab.rows(
        """
        SELECT d.slug, b.done_seq, count(i.seq), min(i.seq), max(i.seq) FROM iot_deviceboot b
        JOIN iot_device d ON d.id = b.device_id
        JOIN iot_inboxmessage i ON i.device_id = b.device_id AND i.boot = b.boot
        GROUP BY d.slug, b.boot, b.done_seq
        HAVING min(i.seq) <> 1 OR max(i.seq) <> count(i.seq) OR b.done_seq <> max(i.seq)
        """
    )
    return amiss + [f"gap: {gap}" for gap in gaps]


def _events_amiss(lab: ChaosLab) -> list[str]:
    stored: dict[tuple[str, str], list[str]] = {}
    for slug, boot, payload in lab.rows(
        """
        SELECT d.slug, i.boot, i.payload FROM iot_inboxmessage i JOIN iot_device d ON d.id = i.device_id
        WHERE i.leaf = 'event' ORDER BY i.device_id, i.boot, i.seq
        """
    ):
        stored.setdefault((slug, boot), []).append(json.loads(bytes(payload))["data"]["event"])
    amiss = []
    for player in lab.players:
        # One run after the other.
        found = [event for run_of in player.tally() for event in stored.get(run_of, [])]
        if found != player.events:
            amiss.append(f"{player.name}: told {player.events}, stored {found}")
    return amiss


def sessions_of(lab: ChaosLab) -> dict[str, list[Used]]:
    """By machine, in order; one that still runs ends at minus infinity."""
    sessions: dict[str, list[Used]] = {}
    for slug, start, end in lab.rows(
        """
        SELECT m.slug, s.start, s."end" FROM iot_usagesession s JOIN machines_machine m ON m.id = s.machine_id
        ORDER BY m.slug, s.start
        """
    ):
        used = Used(start.timestamp(), end.timestamp() if end else float("-inf"))
        sessions.setdefault(slug, []).append(used)
    return sessions


def ledger_of(player: Player) -> list[Used]:
    return [Used(span.start.timestamp(), span.end.timestamp() if span.end else 0.0) for span in player.spans]


def tolerance_s(player: Player) -> float:
    return (AS_WRITTEN if player.clock.kind == "right" else AS_CORRECTED).total_seconds()


def _sessions_amiss(lab: ChaosLab) -> list[str]:
    stored, amiss = sessions_of(lab), []
    for player in lab.players:
        ledger, found, least_s = ledger_of(player), stored.get(player.name, []), tolerance_s(player)
        if len(ledger) != len(found):
            amiss.append(f"{player.name} ({player.clock.kind}): {len(ledger)} uses, {len(found)} sessions")
            continue
        for used, session in zip(ledger, found, strict=True):
            off_s = (session.start_s - used.start_s, session.end_s - used.end_s)
            if max(abs(off) for off in off_s) > least_s:
                amiss.append(f"{player.name} ({player.clock.kind}): start, end off by {off_s} s")
        off_h = abs(sum(used.hours for used in ledger) - sum(session.hours for session in found))
        if off_h * 3600 > 2 * least_s * len(ledger):
            amiss.append(f"{player.name}: hours off by {off_h}")
    return amiss


def _counts_amiss(lab: ChaosLab) -> list[str]:
    """Quarantine, refusals, reasons, and the machines' own hours, which add up whole seconds."""
    amiss = [f"{code}: {detail}" for code, detail in lab.rows("SELECT code, detail FROM iot_quarantinedmessage")]
    amiss += [f"{p.name} refused {p.agent.counts.refused}" for p in lab.players if p.agent.counts.refused]
    reasons = lab.rows("SELECT stop_reason, count(*) FROM iot_usagesession WHERE stop_reason <> 'normal' GROUP BY 1")
    amiss += [f"{count} sessions ended as {reason or 'open'}" for reason, count in reasons]
    used_s = dict(lab.rows("SELECT slug, used_s FROM machines_machine"))
    for player in lab.players:
        ledger = ledger_of(player)
        told_s = sum(used.hours for used in ledger) * 3600
        if abs(used_s[player.name] - told_s) > (0.5 + 2 * tolerance_s(player)) * len(ledger):
            amiss.append(f"{player.name}: {used_s[player.name]} s of use counted, {told_s:.1f} told")
    return amiss


def largest_error_s(lab: ChaosLab) -> dict[str, float]:
    """By kind of clock: the bound of a session that is furthest from the truth."""
    found, errors = sessions_of(lab), dict.fromkeys(CLOCKS, 0.0)
    for player in lab.players:
        for used, session in zip(ledger_of(player), found.get(player.name, []), strict=False):
            worst = max(abs(session.start_s - used.start_s), abs(session.end_s - used.end_s))
            errors[player.clock.kind] = max(errors[player.clock.kind], worst)
    return errors


def run(plan: Plan, *, within_s: float) -> str:
    """The whole chaos and its comparison; a line of figures. The lab is closed whatever happens."""
    lab, began_s = ChaosLab(plan), time.monotonic()
    try:
        lab.open()
        lab.suffer()
        waiting = lab.finish(within_s)
        found = faults_found(lab)
        messages = sum(tally.messages for player in lab.players for tally in player.tally().values())
        ledger = [used for player in lab.players for used in ledger_of(player)]
        errors = ", ".join(f"{kind} {error * 1000:.0f} ms" for kind, error in largest_error_s(lab).items())
        told = (
            f"seed {plan.seed}: {plan.devices} devices, {len(lab.faults_done)} faults "
            f"({'; '.join(lab.faults_done)}) in {time.monotonic() - began_s:.0f} s: {messages:,} messages, "
            f"{len(ledger)} sessions, {sum(used.hours for used in ledger):.2f} h; furthest from the truth: "
            f"{errors}"
        )
    finally:
        lab.close()
    assert waiting == {} and found == [], "\n".join([told, f"still waiting: {waiting}", *found])  # noqa: PT018
    return told
