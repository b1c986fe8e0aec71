"""What this app does with personal data beyond the declarations of its models."""

import datetime as dt

from fablab.lib.personal_data import erases
from people.models import Person
from printing.file_removal import GONE_NAME
from projects.models import LogEntry

# What a slicer wrote of the file, and what finds it again.
OF_THE_SLICER = ("profile", "slicer", "material", "sha256")


@erases
def forget_file_names(person: Person, now: dt.datetime) -> None:
    """What they made for teams loses the file's name and what the slicer wrote; that it was made stays, with the
    team's own words."""
    for entry in LogEntry.objects.filter(person=person):
        entry.name = GONE_NAME
        entry.facts = {name: value for name, value in entry.facts.items() if name not in OF_THE_SLICER}
        entry.save(update_fields=["name", "facts"])
