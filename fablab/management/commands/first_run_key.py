from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from fablab.first_run.key import setup_key
from fablab.first_run.progress import has_administrator


class Command(BaseCommand):
    help = "Say the address by which the first administrator opens the lab, for labs that `up` does not start."

    def handle(self, *args: Any, **options: Any) -> None:
        if has_administrator():
            raise CommandError("The lab has an administrator already: sign in, or ask them.")
        self.stdout.write(f"{settings.PUBLIC_URL}/first-run/?key={setup_key()}")
