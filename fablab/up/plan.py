"""Which processes make an open lab, in the order in which they start."""

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from fablab.lib.hosts import is_this_machine_only
from fablab.up.checks import accepts_connections, answered_status, is_healthy
from fablab.up.children import ChildSpec
from fablab.up.demo_data import require_no_demo_data
from fablab.up.errors import CannotStart
from fablab.up.options import Options, children_environment
from fablab.up.postgres import EmbeddedPostgres
from fablab.up.prepare import is_prepared
from fablab.up.stages import Condition, Part, ProcessService, Stage, Step

# An open event stream would hold a worker back for ever.
GRACEFUL_STOP_S = 1


def default_plan(options: Options, listener: socket.socket, http_listener: socket.socket | None = None) -> list[Part]:
    """Database, preparation, broker, web, ingest and worker, demo: each only when it is ours to run.

    `http_listener` takes plain HTTP beside HTTPS; it belongs to `options.lan`.
    """
    plan: list[Part] = []
    database_url = options.database_url
    if not database_url:
        postgres = EmbeddedPostgres(options.data_dir, password=options.database_password)
        database_url = postgres.url
        plan.append(Stage("Database", [postgres]))
    environment = children_environment(options, database_url)
    plan.append(_preparation(options, environment))
    if not is_this_machine_only(options.host):
        plan.append(Condition("no demo data", lambda: require_no_demo_data(database_url)))
    if not options.mqtt_url:
        plan.append(Stage("Broker", [_broker(options)]))
    web = _web(options, environment, listener)
    if options.lan and http_listener:
        web.append(_redirect(options, environment, http_listener))
    plan.append(Stage("Web", web))
    background = [_command(options, environment, name) for name in ("ingest", "worker")]
    plan.append(Stage("Devices and jobs", background))
    if options.is_demo:
        plan.append(_demo_data(options, environment))
        plan.append(Stage("Simulated machines", [_command(options, environment, "simulate", "--demo")]))
    return plan


def _preparation(options: Options, environment: Mapping[str, str]) -> Step:
    return Step(
        name="preparation",
        sentence="Preparing database, translations and static files (the first time takes a minute) …",
        argv=(sys.executable, "-m", "fablab.up.prepare"),
        env=environment,
        cwd=options.root,
        is_needed=lambda: not is_prepared(options.root, options.data_dir, environment["DATABASE_URL"]),
    )


def _demo_data(options: Options, environment: Mapping[str, str]) -> Step:
    return Step(
        name="demo data",
        sentence="Refreshing the demo data …",
        argv=_manage(options, "demo"),
        env=environment,
        cwd=options.root,
    )


def _manage(options: Options, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, str(options.root / "manage.py"), *arguments)


def _command(options: Options, environment: Mapping[str, str], name: str, *arguments: str) -> ProcessService:
    def spec() -> ChildSpec:
        return ChildSpec(
            name=name,
            argv=_manage(options, name, *arguments),
            env=environment,
            cwd=options.root,
            log_file=_log(options, name),
        )

    return ProcessService(name, spec, ready_file=options.data_dir / "run" / f"{name}.ready")


def _web(options: Options, environment: Mapping[str, str], listener: socket.socket) -> list[ProcessService]:
    arguments = ("--fd", str(listener.fileno()), "--timeout-graceful-shutdown", str(GRACEFUL_STOP_S))
    quiet = ("--no-access-log", "--no-server-header", "--log-level", "warning")
    tls: tuple[str, ...] = ()
    if options.lan:
        files = options.lan.tls
        tls = ("--ssl-certfile", str(files.certificate_file), "--ssl-keyfile", str(files.key_file))

    def service(name: str) -> ProcessService:
        def spec() -> ChildSpec:
            return ChildSpec(
                name=name,
                argv=(sys.executable, "-m", "uvicorn", "fablab.asgi:application", *arguments, *quiet, *tls),
                env=environment,
                cwd=options.root,
                log_file=_log(options, name),
                inherited_fds=(listener.fileno(),),
            )

        return ProcessService(name, spec, answers=answers)

    def answers() -> bool:
        return is_healthy(options.connect_host, options.port, is_https=bool(tls))

    return [service(f"web-{number}") for number in range(1, options.web_processes + 1)]


def _redirect(options: Options, environment: Mapping[str, str], listener: socket.socket) -> ProcessService:
    lan = options.lan
    to = ("--to", lan.public_url) if lan and lan.is_address_fixed else ()

    def spec() -> ChildSpec:
        return ChildSpec(
            name="redirect",
            argv=(
                *(sys.executable, "-m", "fablab.up.redirect"),
                *("--fd", str(listener.fileno()), "--port", str(options.port), *to),
            ),
            env=environment,
            cwd=options.root,
            log_file=_log(options, "redirect"),
            inherited_fds=(listener.fileno(),),
        )

    def answers() -> bool:
        return answered_status(options.connect_host, listener.getsockname()[1]) is not None

    return ProcessService("redirect", spec, answers=answers)


def _broker(options: Options) -> ProcessService:
    def spec() -> ChildSpec:
        # Late: it needs Django, and its access lists come from the database that is up only now.
        from django.db import Error, connections

        from iot.broker.launch import BrokerUnavailable, broker_command

        try:
            command = broker_command(options.data_dir, options.mqtt_port, doors=options.doors)
        except (BrokerUnavailable, OSError, ValueError, Error) as error:
            # The database may be coming up again itself: the broker is tried anew a little later.
            raise CannotStart(f"The broker cannot be started: {error}") from error
        finally:
            connections.close_all()
        return ChildSpec(
            name="broker",
            argv=tuple(command.argv),
            env={**os.environ, **command.env},
            user=command.user,
            log_file=_log(options, "broker"),
        )

    return ProcessService("broker", spec, answers=lambda: accepts_connections("127.0.0.1", options.mqtt_port))


def _log(options: Options, name: str) -> Path:
    return options.data_dir / "logs" / f"{name}.log"
