import json
import time
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from fablab.bench.seed import DoesNotFit, NotABenchDatabase, Size, is_bench, seed, usual_days


def _count(text: str) -> int:
    if not text.isdigit() or not 2 <= int(text) <= 100_000_000:
        raise ArgumentTypeError(f"{text!r} is not accepted: write a whole number from 2 up")
    return int(text)


class Command(BaseCommand):
    help = (
        "Measure the lab's speed, in a database of its own: first `bench seed`, then `bench run` and `bench explain`."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        seeding = actions.add_parser("seed", help="Fill an empty database, or one of an earlier bench.")
        seeding.add_argument("--machines", type=_count, default=50)
        seeding.add_argument("--people", type=_count, default=500)
        seeding.add_argument("--reservations", type=_count, default=100_000)
        seeding.add_argument("--sessions", type=_count, default=100_000)
        seeding.add_argument("--days", type=_count, help="How far back. Two years, or as many as it takes.")
        running = actions.add_parser("run", help="Measure, and compare with what we promise.")
        running.add_argument("--json", action="store_true", help="The figures as JSON.")
        running.add_argument("--only", action="append", metavar="NAME", help="This case only; may be repeated.")
        actions.add_parser("explain", help="How the database finds what the main doors ask for.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "seed":
            self._seed(options)
        elif options["action"] == "explain":
            self._explain()
        else:
            self._run(options["only"], is_json=options["json"])

    def _seed(self, options: dict[str, Any]) -> None:
        days = options["days"] or usual_days(options["reservations"], options["machines"])
        size = Size(options["machines"], options["people"], options["reservations"], options["sessions"], days)
        began_s = time.monotonic()
        try:
            seed(size, now=timezone.now(), say=self.stdout.write)
        except NotABenchDatabase:
            raise CommandError("This database holds a lab. Point DATABASE_URL at an empty one.") from None
        except DoesNotFit as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Seeded in {time.monotonic() - began_s:.1f} s: {size}")

    def _run(self, only: list[str] | None, *, is_json: bool) -> None:
        from fablab.bench.cases import CASES
        from fablab.bench.report import as_rows, as_table
        from fablab.bench.run import measured

        self._require_bench()
        unknown = set(only or ()) - {case.name for case in CASES}
        if unknown:
            names = ", ".join(case.name for case in CASES)
            raise CommandError(f"No case is called {', '.join(sorted(unknown))}. There are: {names}.")
        results = measured(only)
        self.stdout.write(json.dumps(as_rows(results), indent=1) if is_json else as_table(results))

    def _explain(self) -> None:
        from fablab.bench.plans import as_lines, explained

        self._require_bench()
        self.stdout.write(as_lines(explained()))

    def _require_bench(self) -> None:
        if not is_bench():
            raise CommandError("This is not a bench database: run `bench seed` in an empty one first.")
