from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from fablab.personal.purge import purge


class Command(BaseCommand):
    help = "Remove or make anonymous what is past its time. The worker does it each night; see /privacy/ for the times."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only show what would go")

    def handle(self, *args: Any, **options: Any) -> None:
        found = purge(now=timezone.now(), is_dry=options["dry_run"])
        for name, count in sorted(found.counts.items()):
            self.stdout.write(f"{count:>9}  {name}")
        verb = "would go or change" if found.is_dry else "went or changed"
        self.stdout.write(f"{found.total:>9}  rows {verb}")
        if found.failed:
            raise CommandError(f"Not done, the log says why: {', '.join(found.failed)}.")
