"""Puts the agent together as its settings say: its outbox, its memory, and the station beside it."""

import logging
import threading
from dataclasses import replace
from typing import Any

from .battery import battery_pct
from .client import Agent, Listeners, Timing
from .config import Config
from .hardware import Hardware
from .hooks import HookFailed, run_hook
from .orders import KeptSettings, handlers
from .outbox import Outbox
from .server_time import ServerTime, boot_clock_s, computer_boot
from .state import State
from .station import Station
from .watchdog import Pulses
from .wiring import hardware_of, kind_of

log = logging.getLogger("fablab-agent")

TICK_S = 0.25
# The answer to the order is to leave before the computer does.
REBOOT_AFTER_S = 3.0


class Device:
    """One enrolled device. `run` until the event is set; `hardware` is for tests, else it is that of the settings."""

    def __init__(self, config: Config, *, hardware: Hardware | None = None, timing: Timing | None = None) -> None:
        self.pulses = Pulses()
        self._config = config
        self.hardware = hardware or hardware_of(config)
        self.state = State(config.state_file)
        self.outbox = Outbox(config.outbox_file, bytes_most=config.outbox_most_mb * 1024 * 1024)
        self.server_time = ServerTime(is_clock_trusted=config.is_clock_trusted)
        self._resume_server_time()
        self.settings = KeptSettings(self.state, config.settings)
        self._timing = timing or Timing(heartbeat_s=self.settings.current().heartbeat_s)
        self.station: Station | None = None
        self._is_rebooting = False
        self.agent = self._made_agent(config)
        self.settings.on_change = self._settings_changed

    def run(self, stopping: threading.Event) -> bool:
        """Report and obey until `stopping` is set; False when the agent had to give up."""
        if self.station and self.hardware:
            # Before the hello, which names the session that goes on.
            self.station.start()
            self._listen(self.station, self.hardware)
        self.agent.start()
        battery_due_s = 0.0
        try:
            while self.agent.is_alive() and not stopping.wait(TICK_S if self.station else 1.0):
                self.pulses.beat("device")
                if self.station:
                    self.station.tick()
                now_s = boot_clock_s()
                if now_s >= battery_due_s:
                    battery_due_s = now_s + self.settings.current().reading_every_s
                    self._report_battery()
            return self.agent.is_alive()
        finally:
            self.close()

    def close(self) -> None:
        """Leave what runs as it is, say goodbye, and let go of everything."""
        if self.station:
            self.station.close()
        self.agent.stop()
        self.outbox.close()
        self.state.close()

    def _made_agent(self, config: Config) -> Agent:
        listeners = Listeners(
            server_time=self._keep_server_time, pulse=lambda: self.pulses.beat("agent"), hello=self._hello
        )
        agent = Agent(
            config.device,
            config.host,
            config.port,
            config.password(),
            self.outbox,
            is_tls=config.is_tls,
            ca_file=config.ca_file,
            capabilities=self._capabilities(),
            listeners=listeners,
            state=self.state,
            server_time=self.server_time,
            timing=self._timing,
        )
        if self.hardware:
            self.station = Station(
                agent,
                self.hardware,
                self.state,
                self.settings.current,
                self.server_time,
                kind=kind_of(config),
                device=config.device,
            )
            listeners.decision, listeners.roster = self.station.decide, self.station.take_roster
        agent.obeys(handlers(self.station, self.settings, self._reboot if config.reboot_command else None))
        return agent

    def _capabilities(self) -> list[str]:
        found = self.hardware.capabilities() if self.hardware else []
        if self._config.seat:
            found = ["seat", *(name for name in found if name in ("badge", "keypad"))]
        return found + (["battery_pct"] if battery_pct() is not None else [])

    def _hello(self) -> dict[str, Any]:
        told: dict[str, Any] = {"config_version": self.settings.version}
        if self.station:
            session = self.station.session
            told |= {
                "is_locked": self.station.is_locked_out,
                "session_id": session.session_id if session else "",
                "roster_version": self.station.roster_version,
            }
        return told

    def _listen(self, station: Station, hardware: Hardware) -> None:
        if hardware.button:
            hardware.button.on_press(station.press)
        for contact in (hardware.busy, *hardware.safety.values()):
            if contact:
                contact.on_change(station.tick)
        for reader in hardware.readers():
            reader.start(station.badge, station.code)

    def _settings_changed(self) -> None:
        heartbeat_s = self.settings.current().heartbeat_s
        self.agent.timing = replace(self.agent.timing, heartbeat_s=heartbeat_s)
        self.agent.hello()

    def _report_battery(self) -> None:
        """Without a battery only the heartbeat is sent: the computer is there."""
        charge_pct = battery_pct()
        if charge_pct is not None:
            self.agent.reading([{"battery_pct": charge_pct}])

    def _resume_server_time(self) -> None:
        """Only within one run of the computer: the clock it counts from begins anew with the next."""
        kept = self.state.get("server_time")
        if computer_boot() and kept.get("computer_boot") == computer_boot():
            self.server_time.resume(float(kept["offset_s"]))

    def _keep_server_time(self) -> None:
        self.state.keep("server_time", {"computer_boot": computer_boot(), "offset_s": self.server_time.offset_s})

    def _reboot(self) -> None:
        if not self._is_rebooting:
            self._is_rebooting = True
            timer = threading.Timer(REBOOT_AFTER_S, self._reboot_now)
            timer.daemon = True
            timer.start()

    def _reboot_now(self) -> None:
        try:
            run_hook(self._config.reboot_command)
        except HookFailed as error:
            self._is_rebooting = False
            log.error("The computer could not be restarted: %s", error)
            self.agent.event("fault", reason="reboot")
