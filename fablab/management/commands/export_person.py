from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q
from django.utils import timezone

from fablab.personal.archive import archive_name, export_person
from people.models import Person


class Command(BaseCommand):
    help = "Write all that is kept about a person into a ZIP file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("person", help="reference of the file, or code on the card")
        parser.add_argument("--to", type=Path, default=Path(), help="folder (default: this one)")

    def handle(self, *args: Any, **options: Any) -> None:
        key = options["person"]
        person = Person.objects.filter(Q(reference=key) | Q(card_code=key), erased_at=None).first()
        if person is None:
            raise CommandError("Nobody on file has this reference or card code.")
        now = timezone.now()
        path = options["to"] / archive_name(person, now)
        try:
            with path.open("xb") as target:
                count = export_person(person=person, by=None, now=now, target=target)
        except OSError as error:
            raise CommandError(
                f"The file cannot be written: {error.strerror}. Choose another folder with --to."
            ) from None
        self.stdout.write(f"{path}: data and {count} files")
