import asyncio
import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from procrastinate.contrib.django import app

from fablab.abandoned_jobs import end_abandoned_jobs
from iot.partitions import ensure_partitions
from printing import key_loop, loop


class Command(BaseCommand):
    help = "Do the background work: jobs, sweeps, and the printers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-printers", action="store_true", help="Leave the printers to another worker.")

    def handle(self, *args: Any, **options: Any) -> None:
        ensure_partitions(timezone.now())
        end_abandoned_jobs(now=timezone.now())
        stopping = threading.Event()
        loops = () if options["no_printers"] else (("printers", loop.run), ("keys", key_loop.run))
        threads = [threading.Thread(target=run, args=[stopping], name=name, daemon=True) for name, run in loops]
        for thread in threads:
            thread.start()
        ready = settings.DATA_DIR / "run" / "worker.ready"
        ready.parent.mkdir(parents=True, exist_ok=True)
        ready.write_text("ready")
        try:
            asyncio.run(_serve())
        finally:
            stopping.set()
            for thread in threads:
                thread.join(timeout=5)


async def _serve() -> None:
    worker_app = app.with_connector(app.connector.get_worker_connector())  # type: ignore[attr-defined]
    async with worker_app.open_async():
        task = asyncio.create_task(
            worker_app.run_worker_async(
                concurrency=2, install_signal_handlers=False, delete_jobs="successful", listen_notify=True
            )
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        await asyncio.gather(task, return_exceptions=True)
