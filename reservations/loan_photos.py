"""The photos of loans go with what they are about: with the person, or when their time is over."""

import datetime as dt
from pathlib import Path

from django.db import transaction
from django.db.models import QuerySet

from fablab.lib import retention
from people.models import Person
from reservations.models import LoanPhoto


@transaction.atomic
def remove_photos(rows: QuerySet[LoanPhoto]) -> int:
    """Delete them; their files go once the transaction commits. How many."""
    found = list(rows.select_for_update(of=("self",)))
    storage = LoanPhoto._meta.get_field("image").storage
    names = [photo.image.name for photo in found]
    LoanPhoto.objects.filter(pk__in=[photo.pk for photo in found]).delete()

    def remove_files() -> None:
        for name in filter(None, names):
            storage.delete(name)

    transaction.on_commit(remove_files)
    return len(found)


def photos_of(person: Person) -> QuerySet[LoanPhoto]:
    """Those of what the person borrowed."""
    return LoanPhoto.objects.filter(item__loan__reservation__holder=person)


def photos_past_their_time(now: dt.datetime) -> QuerySet[LoanPhoto]:
    """Those of loans whose own retention is over: nobody argues about a scratch any more."""
    cutoff = retention.BOOKING.cutoff(now)
    return LoanPhoto.objects.filter(taken_at__lt=cutoff, item__loan__returned_at__isnull=False)


def photo_files_of(person: Person) -> list[tuple[str, Path]]:
    """`(name in the archive, path)` of the photos of what they borrowed that are still there."""
    rows = photos_of(person).select_related("item__machine", "item__loan__reservation").order_by("pk")
    named = [
        (f"loans/{photo.item.loan.reservation.reference}-{photo.item.machine.slug}-{photo.pk}.jpg", photo.image.path)
        for photo in rows
    ]
    return [(name, Path(path)) for name, path in named if Path(path).exists()]
