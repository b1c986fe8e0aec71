"""Opens the lab: every process it needs, from one command."""

import argparse
import contextlib
import os
import sys
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connections

from fablab.first_run.key import setup_key
from fablab.first_run.progress import has_administrator
from fablab.lib import env
from fablab.lib.certificates import fingerprint
from fablab.up import checks
from fablab.up.children import die_with_make
from fablab.up.early import settle_data_dir
from fablab.up.errors import CannotStart
from fablab.up.lan import DEFAULT_PORT, Lan, Wish, opened_lan, url_of
from fablab.up.locks import FolderLock
from fablab.up.options import Options, add_arguments, default_web_processes, wants_demo
from fablab.up.plan import default_plan
from fablab.up.supervisor import Supervisor, say_line
from fablab.up.tls import Tls
from iot.broker.doors import Doors


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
            lock = _data_lock()
            lock.take()
            code = _open(_options(given))
        except CannotStart as error:
            sys.exit(str(error))
        except KeyboardInterrupt:  # before the supervisor listens for it
            code = 130
        if code:
            sys.exit(code)


def _data_lock() -> FolderLock:
    return FolderLock(
        settings.DATA_DIR / "up.lock",
        f"The lab in {settings.DATA_DIR} is already open (process {{pid}}). "
        "Close that one, or choose another folder with --data-dir.",
    )


def _options(given: dict[str, Any]) -> Options:
    """What was asked for, completed.

    Raises:
        CannotStart: parts of it do not go together.
    """
    is_demo = wants_demo(is_refused=given["no_demo"], is_production=settings.IS_PRODUCTION, is_lan=given["lan"])
    host = given["host"] or ("0.0.0.0" if given["lan"] else "127.0.0.1")  # noqa: S104
    if is_demo and given["lan"]:
        raise CannotStart(
            "The demo's accounts are public, so it opens on this machine only: leave out --lan, or FABLAB_DEMO=1."
        )
    if is_demo:
        checks.require_loopback(host)
    if bool(given["tls_cert"]) != bool(given["tls_key"]):
        raise CannotStart("A certificate needs its key: give both --tls-cert and --tls-key, or neither.")
    if given["tls_cert"] and not given["lan"]:
        raise CannotStart("--tls-cert is for a lab on the network: add --lan.")
    port = given["port"] or (DEFAULT_PORT if given["lan"] else 8000)
    lan, mqtt_url = _lan(given, host, port) if given["lan"] else None, env.text("MQTT_URL")
    return Options(
        host=host,
        port=port,
        mqtt_port=given["mqtt_port"] or settings.MQTT_PORT,
        data_dir=settings.DATA_DIR,
        root=settings.BASE_DIR,
        web_processes=given["workers"] or default_web_processes(),
        is_demo=is_demo,
        database_url=env.text("DATABASE_URL"),
        mqtt_url=mqtt_url,
        database_password=settings.SECRETS.get("database_password", ""),
        lan=lan,
        doors=_doors(given, host, lan.tls) if lan and not mqtt_url else None,
    )


def _lan(given: dict[str, Any], host: str, port: int) -> Lan:
    wish = Wish(
        host=host,
        port=port,
        http_port=given["http_port"],
        public_url=env.text("PUBLIC_URL"),
        certificate_file=given["tls_cert"],
        key_file=given["tls_key"],
        lab_name=settings.LAB_NAME,
    )
    lan, said = opened_lan(wish, settings.DATA_DIR, datetime.now(UTC))
    for sentence in said:
        say_line(sentence)
    return lan


def _doors(given: dict[str, Any], host: str, tls: Tls) -> Doors | None:
    tls_port, plain_port = given["mqtt_tls_port"], given["mqtt_plain_port"]
    if not tls_port:
        if plain_port:
            raise CannotStart("--mqtt-plain-port stands beside the encrypted port: leave --mqtt-tls-port open.")
        return None
    return Doors(host, tls_port, tls.certificate_file, tls.key_file, plain_port or None)


def _open(options: Options) -> int:
    """Check what can be checked without starting anything, then run until asked to stop.

    Raises:
        CannotStart: with the reason and what to do.
    """
    if options.database_url:
        checks.require_database(options.database_url)
    if options.mqtt_url:
        checks.require_broker(options.mqtt_url)
    else:
        checks.require_free_port("127.0.0.1", options.mqtt_port, "Choose another with --mqtt-port.")
    if options.doors:
        _require_free_doors(options.doors)
    advice = f"Choose another: make run {'LAN=1 ' if options.lan else ''}ARGS='--port {options.port + 1}'."
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(checks.listening_socket(options.host, options.port, advice))
        plain = None
        if options.lan:
            http_advice = "Choose another with --http-port."
            plain = sockets.enter_context(checks.listening_socket(options.host, options.lan.http_port, http_advice))
        return Supervisor(default_plan(options, listener, plain), when_open=lambda: _welcome(options)).run()


def _require_free_doors(doors: Doors) -> None:
    advice = "Choose another with --mqtt-tls-port; 0 lets no device of the network in."
    checks.require_free_port(doors.host, doors.tls_port, advice)
    if doors.plain_port:
        checks.require_free_port(doors.host, doors.plain_port, "Choose another with --mqtt-plain-port.")


def _welcome(options: Options) -> str:
    lines = [f"The lab is open: {options.public_url}"]
    if options.is_demo:
        lines.append("The demo accounts to sign in with are shown on the first page.")
    if options.lan:
        lines += _lan_lines(options.lan)
    if options.doors:
        lines.append(f"Devices on the network: MQTT with TLS on port {options.doors.tls_port}{_plain_words(options)}")
    if not options.is_demo:
        lines += _first_run_lines(options)
    return "\n".join([*lines, f"Ctrl-C closes it. Logs: {options.data_dir / 'logs'}"])


def _plain_words(options: Options) -> str:
    plain = options.doors.plain_port if options.doors else None
    return f", without encryption on {plain}: their passwords can be overheard there" if plain else ""


def _first_run_lines(options: Options) -> list[str]:
    """How the first administrator begins, as long as there is none: the address carries the key."""
    try:
        if has_administrator():
            return []
    finally:
        connections.close_all()
    here = url_of("localhost", options.port) if options.lan else f"http://localhost:{options.port}"
    return [f"To set it up: {here}/first-run/?key={setup_key()}"]


def _lan_lines(lan: Lan) -> list[str]:
    lines = [f"Also: {', '.join(lan.urls[1:])}"] if lan.urls[1:] else []
    lines.append(f"On a phone: scan the square code of {lan.public_url}/address/, or type {lan.short_address}")
    if lan.tls.authority_file:
        mark = fingerprint(x509.load_pem_x509_certificate(lan.tls.authority_file.read_bytes()))
        lines += [
            "Browsers warn until a device trusts the lab's certificate: that page says how.",
            f"The certificate's SHA-256 fingerprint: {mark}",
        ]
    return lines
