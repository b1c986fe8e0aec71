"""What runs out by itself: offers nobody answered, and requests nobody decided before their time."""

import datetime as dt
from collections.abc import Sequence

from django.db import transaction

from fablab.lib.live import announce_machines
from reservations.credits import settle_credits
from reservations.deeds import note_deed
from reservations.holding import machine_ids_of
from reservations.models import Deed, Reservation, Status, WaitingEntry
from reservations.offers import end_offer
from reservations.sweeps import each_alone


def expire_due(now: dt.datetime, *, machine_ids: Sequence[int] | None = None, most: int = 500) -> int:
    """Free what has run out by now, everywhere or of these machines; how many. Twice changes nothing."""
    rows = Reservation.objects.filter(status__in=[Status.HELD, Status.PENDING], expires_at__lte=now)
    if machine_ids is not None:
        rows = rows.filter(held_units__unit__machine__in=machine_ids)
    keys = list(rows.order_by("expires_at").values_list("pk", flat=True).distinct()[:most])
    return each_alone(keys, lambda key: _expire(key, now))


@transaction.atomic
def _expire(key: int, now: dt.datetime) -> int:
    # Somebody who is answering it at this moment is quicker: it is not theirs to wait for us.
    row = (
        Reservation.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
        .filter(pk=key, status__in=[Status.HELD, Status.PENDING], expires_at__lte=now)
        .select_related("machine", "holder")
        .first()
    )
    if row is None:
        return 0
    row.status = Status.EXPIRED
    row.save(update_fields=["status"])
    if row.credits:
        settle_credits(reservation=row, wanted=0, by=None, now=now)
    end_offer(row, WaitingEntry.State.LEFT, now)
    note_deed(row, Deed.Kind.EXPIRED, by=None, now=now)
    announce_machines(machine_ids_of(row))
    return 1
