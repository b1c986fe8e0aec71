"""What the lab may order: enable, disable, lock, message, set-config, reboot. Each is refused with its reason."""

from collections.abc import Callable, Mapping
from typing import Any

from .commands import CommandRefused, Handler
from .screen import clean
from .server_time import parsed
from .session import FOR_SAFETY, STOP_REASONS, seconds, told_session
from .settings import Settings, from_lab
from .state import State
from .station import Station
from .toml_table import ConfigError

VERSION_MOST = 2**31 - 1
MESSAGE_S = 20.0
MESSAGE_MOST_S = 3600.0
# A nozzle that is longer hot is said to be so again.
HOT_MOST_S = 3600.0


class KeptSettings:
    """The settings in force: the file's, until the lab sends a version of its own, which then outlives a restart."""

    def __init__(self, state: State, from_file: Settings, on_change: Callable[[], None] = lambda: None) -> None:
        self._state = state
        self._from_file = from_file
        self.on_change = on_change
        self.version = 0
        self._current = from_file
        kept = state.get("settings")
        if kept:
            self._resume(kept)

    def current(self) -> Settings:
        """Always a whole set: a new version takes the place of the old one in one step."""
        return self._current

    def replace(self, data: Mapping[str, Any]) -> None:
        """Take over all settings of this version, or none; what it leaves out is as in the file.

        Side effects in order: written down; in force; `on_change` is called.

        Raises:
            CommandRefused: a setting cannot be used, or the version is older. The earlier version stays in force.
        """
        version, told = data.get("version"), data.get("settings")
        if type(version) is not int or not 0 < version <= VERSION_MOST:
            raise CommandRefused(f"version: a whole number from 1 to {VERSION_MOST} is expected.")
        if not isinstance(told, dict):
            raise CommandRefused("settings: a table is expected.")
        if version < self.version:
            raise CommandRefused(f"version {version} is older than {self.version}, which is in force.")
        try:
            read = from_lab(told, self._from_file)
        except ConfigError as error:
            raise CommandRefused(clean(str(error))) from error
        self._state.keep("settings", {"version": version, "settings": told})
        self._current, self.version = read, version
        self.on_change()

    def _resume(self, kept: Mapping[str, Any]) -> None:
        try:
            self._current = from_lab(kept["settings"], self._from_file)
            self.version = int(kept["version"])
        except (ConfigError, KeyError, TypeError, ValueError):
            # A newer agent may know other bounds; the lab sees version 0 and sends its own again.
            self._current, self.version = self._from_file, 0


def handlers(station: Station | None, settings: KeptSettings, reboot: Callable[[], None] | None) -> dict[str, Handler]:
    """By the order's name. Without a station (an agent that only reports) there is nothing to enable."""
    known: dict[str, Handler] = {"set-config": settings.replace}
    if station:
        known |= {
            "enable": lambda data: _enable(station, data),
            "disable": lambda data: _disable(station, data),
            "lock": lambda data: station.lock_out(clean(data.get("reason")) or "supervisor"),
            "message": lambda data: _message(station, data),
        }
    if reboot:
        known["reboot"] = lambda _data: _reboot(station, reboot)
    return known


def _enable(station: Station, data: Mapping[str, Any]) -> None:
    """Without a session it lifts a lock-out, where that is said, and lets no power through."""
    if not data.get("session_id"):
        if data.get("lift") is not True:
            raise CommandRefused("wrong_data: a session, or lift, is expected.")
        _lift(station, data)
        return
    if data.get("hot_s") is not None:
        _keep_on(station, data)
        return
    session = told_session(data, station.clock_s(), station.server_time.now(), warn_s=station.settings().warn_s)
    if session is None:
        raise CommandRefused("wrong_data: session_id, and most_s above 0, are expected.")
    with station.lock:
        running = station.session
        if code := station.blocked():
            raise CommandRefused("safety_input" if station.is_tripped() else "locked" if code else code)
        if running and running.session_id != session.session_id:
            raise CommandRefused("busy")
        if running is None and data.get("only_running") is True:
            raise CommandRefused("not_running")
        if running is None and station.kind.is_confirmed_here and not _can_confirm(station):
            raise CommandRefused("not_configured: no button, badge reader or keypad could confirm it at the machine.")
        if not station.grant(session):
            raise CommandRefused("relay")


def _lift(station: Station, data: Mapping[str, Any]) -> None:
    lifted = parsed(data.get("lifted_at"))
    with station.lock:
        if station.is_tripped():
            raise CommandRefused("safety_input")
        if lifted is not None and station.is_stopped_since(lifted):
            raise CommandRefused("stopped_again")
        station.lift()


def _keep_on(station: Station, data: Mapping[str, Any]) -> None:
    """The machine is hot, or with 0 it has cooled down: only for the session that runs, and it grants no time."""
    hot_s = 0.0 if data["hot_s"] == 0 else seconds(data["hot_s"], most=HOT_MOST_S)
    if hot_s is None:
        raise CommandRefused("wrong_data: hot_s, from 0, is expected.")
    with station.lock:
        if station.session is None or station.session.session_id != data["session_id"]:
            raise CommandRefused("not_running")
        station.keep_on(hot_s)


def _can_confirm(station: Station) -> bool:
    return station.hardware.button is not None or bool(station.hardware.readers())


def _disable(station: Station, data: Mapping[str, Any]) -> None:
    reason = data.get("reason")
    known = reason if isinstance(reason, str) and reason in STOP_REASONS else "supervisor"
    meant = data.get("session_id")
    with station.lock:
        if isinstance(meant, str) and station.withdraw(meant, known):
            return
        running = station.session
        if meant and (running is None or running.session_id != meant):
            # Meant for somebody who has left: whoever has it now keeps it.
            raise CommandRefused("not_running")
        if data.get("at_once") is True and known in FOR_SAFETY:
            station.cut(known)
            return
    if not station.stop(known, is_patient=data.get("when_idle") is True):
        raise CommandRefused("busy" if station.is_busy() else "hot")


def _message(station: Station, data: Mapping[str, Any]) -> None:
    text = clean(data.get("text"))
    if not text:
        raise CommandRefused("wrong_data: a text is expected.")
    with station.lock:
        station.screen.say(
            "ready", text=text, for_s=seconds(data.get("for_s"), most=MESSAGE_MOST_S) or MESSAGE_S, is_alert=True
        )


def _reboot(station: Station | None, reboot: Callable[[], None]) -> None:
    if station and (station.session or station.is_busy()):
        raise CommandRefused("busy")
    reboot()
