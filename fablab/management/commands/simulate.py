import contextlib
import signal
import threading
import time
from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from fablab.demo.followed import FollowedPrint
from fablab.demo.kept import DEVICES, read_kept
from fablab.demo.octoprint import octoprint_server
from fablab.demo.octoprint_run import OctoPrintRun
from fablab.demo.simulation import PLAYED, Broker, Simulation
from fablab.demo.single_devices import SingleDevices, device_slugs
from iot.agent.profiles import PROFILES

POLL_S = 0.5
CONNECT_WITHIN_S = 20.0


def positive(text: str) -> float:
    number = float(text)
    if not 0 < number <= 100_000:
        raise ArgumentTypeError(f"{text} is not a number above 0.")
    return number


class Command(BaseCommand):
    help = "Play machines: all of the demo's (--demo), or one device with a profile."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="every machine of the demo, and a real OctoPrint")
        parser.add_argument("--device", metavar="SLUG", help="one device, enrolled already")
        parser.add_argument("--profile", choices=sorted(PROFILES), default="printer")
        parser.add_argument("--password-file", type=Path, help="the device's password; not needed for the demo's")
        parser.add_argument("--speed", type=positive, default=1.0, help="machine seconds in a second")
        parser.add_argument("--count", type=int, default=1, help="play SLUG-1 to SLUG-N")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["demo"] == bool(options["device"]):
            raise CommandError("Say what to play: --demo, or --device SLUG.")
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        if options["demo"]:
            self._play_demo(stopping)
        else:
            self._play_single(options, stopping)

    def _play_demo(self, stopping: threading.Event) -> None:
        passwords, server = read_kept(settings.DATA_DIR, DEVICES), octoprint_server(settings.DATA_DIR)
        if server is None or any(machine.slug not in passwords for machine in PLAYED):
            raise CommandError("The demo is not loaded yet: run manage.py demo first.")
        followed = FollowedPrint(server)
        simulation = Simulation(Broker.of_settings(settings.BROKER), passwords, settings.DATA_DIR, followed)
        run = OctoPrintRun(server, settings.DATA_DIR / "logs" / "octoprint-install.log", self._say)
        try:
            simulation.start()
            followed.start()
            self._wait(stopping, simulation.is_connected, run.step)
        finally:
            followed.stop()
            run.stop()
            simulation.stop()

    def _play_single(self, options: dict[str, Any], stopping: threading.Event) -> None:
        slugs = device_slugs(options["device"], max(1, options["count"]))
        devices = SingleDevices(
            slugs,
            options["profile"],
            self._passwords(slugs, options["password_file"]),
            Broker.of_settings(settings.BROKER),
            options["speed"],
        )
        try:
            devices.start()
            self._wait(stopping, devices.is_connected, lambda: None)
        finally:
            devices.stop()

    def _passwords(self, slugs: list[str], file: Path | None) -> dict[str, str]:
        """One password for all of them from the file, else the demo's own."""
        if file is not None:
            try:
                return dict.fromkeys(slugs, file.read_text().strip())
            except OSError as error:
                raise CommandError(f"--password-file: {error}") from error
        kept = read_kept(settings.DATA_DIR, DEVICES)
        missing = [slug for slug in slugs if slug not in kept]
        if missing:
            raise CommandError(f"No password is known for {', '.join(missing)}: give --password-file.")
        return kept

    def _wait(self, stopping: threading.Event, is_connected: Callable[[], bool], step: Callable[[], None]) -> None:
        """Until we are asked to stop; say once that everything is connected, or that the broker is not there."""
        is_ready, deadline_s = False, time.monotonic() + CONNECT_WITHIN_S
        while not stopping.wait(POLL_S):
            step()
            if not is_ready and (is_connected() or time.monotonic() > deadline_s):
                is_ready = True
                self._say("Every machine is connected." if is_connected() else "Not every machine is connected yet.")
                ready = settings.DATA_DIR / "run" / "simulate.ready"
                with contextlib.suppress(OSError):
                    ready.parent.mkdir(parents=True, exist_ok=True)
                    ready.write_text("ready")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
