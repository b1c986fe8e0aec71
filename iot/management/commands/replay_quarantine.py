from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from iot.models import Device, QuarantinedMessage
from iot.replay import replay


class Command(BaseCommand):
    help = "Read messages again that could not be read, once a driver was mended or a device was attached."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--device", help="Only those of the device with this identifier.")
        parser.add_argument("--code", help="Only those with this reason, such as unknown_device.")

    def handle(self, *args: Any, **options: Any) -> None:
        messages = QuarantinedMessage.objects.all()
        if slug := options["device"]:
            if not Device.objects.filter(slug=slug).exists():
                raise CommandError(f"There is no device “{slug}”.")
            messages = messages.filter(device__slug=slug)
        if options["code"]:
            messages = messages.filter(code=options["code"])
        found = replay(messages=messages, by=None, now=timezone.now())
        self.stdout.write(f"{found.read} read, {found.left} still cannot be, {found.not_kept} were not kept whole.")
