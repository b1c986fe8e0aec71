import datetime as dt
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from iot.device_check import Mark, Point, check_device
from iot.models import Device

# Numbered messages are kept for two weeks.
MINUTES_MOST = 14 * 24 * 60


def some_minutes(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MINUTES_MOST:
        raise ArgumentTypeError(f"{text} is not a number of minutes from 1 to {MINUTES_MOST}.")
    return int(text)


class Command(BaseCommand):
    help = "Look at what a device has sent lately, and say what is right and what to do next."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("device", metavar="SLUG", help="the device's identifier")
        parser.add_argument("--minutes", type=some_minutes, default=15, help="how far to look back (default: 15)")

    def handle(self, *args: Any, **options: Any) -> None:
        device = Device.objects.select_related("machine").filter(slug=options["device"]).first()
        if device is None:
            raise CommandError(f"There is no device “{options['device']}”.")
        minutes = options["minutes"]
        points = check_device(device, now=timezone.now(), span=dt.timedelta(minutes=minutes))
        self.stdout.write(f"{device.slug} ({device.get_kind_display()}), the last {minutes} minutes")
        for line in lines_of(points):
            self.stdout.write(line)
        if wrong := sum(point.mark == Mark.WRONG for point in points):
            raise CommandError(f"{wrong} of {len(points)} points are not right.")


def lines_of(points: list[Point]) -> list[str]:
    """A line for each point, and one below it with the next step."""
    lines = []
    for point in points:
        lines.append(f"{point.mark} {point.name}: {point.words}")
        if point.step:
            lines.append(f"    → {point.step}")
    return lines
