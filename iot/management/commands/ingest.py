import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.crypto import salted_hmac

from iot.ingest.figures import MeasuredIngest


class Command(BaseCommand):
    help = "Take the devices' messages from the broker into the database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--shared", action="store_true", help="Share the work with other ingest processes.")
        parser.add_argument("--name", default="1", help="Tells this consumer from others.")

    def handle(self, *args: Any, **options: Any) -> None:
        ingest = MeasuredIngest(client_id=_client_id(options["name"]), shared=options["shared"], clock=timezone.now)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ingest.stop())
        ready = settings.DATA_DIR / "run" / "ingest.ready"
        ready.parent.mkdir(parents=True, exist_ok=True)
        ready.write_text("ready")
        ingest.measure_into(ready.parent, options["name"])
        ingest.run()


def _client_id(name: str) -> str:
    """The same after each start, so that a successor replaces what was left hanging, and known to nobody: whoever
    connects under another's id throws it out of most brokers."""
    return f"fablab-ingest-{name}-{salted_hmac('iot.ingest', name).hexdigest()[:20]}"
