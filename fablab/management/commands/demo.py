from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from fablab.demo.load import HISTORY_DAYS, DemoRefused, load_demo


class Command(BaseCommand):
    help = "Load the demo lab, or bring it up to today. Refuses a database that holds a real site."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=HISTORY_DAYS, help="days of history, the first time")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.IS_PRODUCTION:
            raise CommandError("The demo's passwords are public: it is not loaded in production.")
        try:
            load_demo(data_dir=settings.DATA_DIR, now=timezone.now(), report=self._say, days=max(0, options["days"]))
        except DemoRefused as refusal:
            raise CommandError(str(refusal)) from refusal

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        # The supervisor reads through a pipe, which would keep the lines back until the end.
        self.stdout.flush()
