from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from iot.broker.files import write_broker_files
from iot.selectors import broker_users


class Command(BaseCommand):
    help = "Write the accounts and rights of a Mosquitto of one's own: for the lab and for every enrolled device."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="made when missing; must belong to Mosquitto's account")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.MQTT_URL:
            raise CommandError("Without MQTT_URL the lab writes the files of its own broker by itself.")
        folder, users = options["folder"].resolve(), broker_users()
        try:
            write_broker_files(folder, users, int(str(settings.BROKER["port"])))
        except (OSError, ValueError) as error:
            raise CommandError(f"The accounts were not written: {error}") from error
        self.stdout.write(f"{len(users)} accounts written to {folder}: send Mosquitto SIGHUP.")
