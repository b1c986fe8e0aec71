"""Opens the lab: every process it needs, from one command."""

import argparse
import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from fablab.lib import env
from fablab.up import checks
from fablab.up.children import die_with_make
from fablab.up.early import settle_data_dir
from fablab.up.errors import CannotStart
from fablab.up.locks import FolderLock
from fablab.up.options import Options, add_arguments, default_web_processes, wants_demo
from fablab.up.plan import default_plan
from fablab.up.supervisor import Supervisor


class Command(BaseCommand):
    help = "Open the lab: database, broker, web, devices and jobs, and the demo. Ctrl-C closes it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        add_arguments(parser)

    def handle(self, *args: Any, **given: Any) -> None:
        die_with_make()
        try:
            if settle_data_dir(given["data_dir"]) != settings.DATA_DIR:
                # The settings were read for another folder; this time they find the right one.
                os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606
            code = _open(_options(given))
        except CannotStart as error:
            sys.exit(str(error))
        except KeyboardInterrupt:  # before the supervisor listens for it
            code = 130
        if code:
            sys.exit(code)


def _options(given: dict[str, Any]) -> Options:
    return Options(
        host=given["host"],
        port=given["port"],
        mqtt_port=given["mqtt_port"] or settings.MQTT_PORT,
        data_dir=settings.DATA_DIR,
        root=settings.BASE_DIR,
        web_processes=given["workers"] or default_web_processes(),
        is_demo=wants_demo(is_refused=given["no_demo"], is_production=settings.IS_PRODUCTION),
        database_url=env.text("DATABASE_URL"),
        mqtt_url=env.text("MQTT_URL"),
        database_password=settings.SECRETS.get("database_password", ""),
    )


def _open(options: Options) -> int:
    """Check what can be checked without starting anything, then run until asked to stop.

    Raises:
        CannotStart: with the reason and what to do.
    """
    if options.is_demo:
        checks.require_loopback(options.host)
    lock = FolderLock(
        options.data_dir / "up.lock",
        f"The lab in {options.data_dir} is already open (process {{pid}}). "
        "Close that one, or choose another folder with --data-dir.",
    )
    lock.take()
    if options.database_url:
        checks.require_database(options.database_url)
    if options.mqtt_url:
        checks.require_broker(options.mqtt_url)
    else:
        checks.require_free_port("127.0.0.1", options.mqtt_port, "Choose another with --mqtt-port.")
    advice = f"Choose another: make run ARGS='--port {options.port + 1}'."
    with checks.listening_socket(options.host, options.port, advice) as listener:
        return Supervisor(default_plan(options, listener), when_open=_welcome(options)).run()


def _welcome(options: Options) -> str:
    sign_in = "\nThe demo accounts to sign in with are shown on the first page." if options.is_demo else ""
    return f"The lab is open: {options.public_url}{sign_in}\nCtrl-C closes it. Logs: {options.data_dir / 'logs'}"
