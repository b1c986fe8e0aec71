from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q
from django.utils import timezone

from people.erasure import ErasureRefused, erase_person
from people.models import Person


class Command(BaseCommand):
    help = "Make a person anonymous for good: everywhere, and again after a restore."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("person", help="reference of the file, or code on the card")
        parser.add_argument("--yes", action="store_true", help="do it without asking")

    def handle(self, *args: Any, **options: Any) -> None:
        key = options["person"]
        person = Person.objects.filter(Q(reference=key) | Q(card_code=key), erased_at=None).first()
        if person is None:
            raise CommandError("Nobody on file has this reference or card code.")
        if not options["yes"] and input(f"Erase {person} for good? Type yes: ").strip().lower() != "yes":
            raise CommandError("Nothing was erased.")
        try:
            erase_person(person=person, by=None, now=timezone.now())
        except ErasureRefused as refusal:
            raise CommandError(" ".join(str(obstacle.sentence) for obstacle in refusal.obstacles)) from None
        self.stdout.write(f"{person.reference} is anonymous now.")
