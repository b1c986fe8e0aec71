from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fablab.resealing import reseal_all


class Command(BaseCommand):
    help = "Seal every stored secret with the newest of FABLAB_FIELD_KEYS; the older keys can then be removed."

    def handle(self, *args: Any, **options: Any) -> None:
        done = reseal_all()
        self.stdout.write(f"{done.count} secrets sealed with the newest key.")
        if done.unreadable:
            raise CommandError(
                f"No key opens {', '.join(done.unreadable)}: add the key that sealed them, or write them anew."
            )
