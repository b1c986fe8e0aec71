"""Devices that speak on the broker and report for no machine yet."""

import datetime as dt
from collections.abc import Iterable

from iot.drivers.base import Seen
from iot.models import SeenDevice

# Written again no more often: a plug speaks every ten seconds.
AGAIN_AFTER = dt.timedelta(minutes=1)


def note_seen(sightings: Iterable[Seen], now: dt.datetime) -> None:
    """Keep each device once, with when it spoke last. Two statements at most, none for none."""
    rows = {
        (seen.kind, seen.topic[:200]): SeenDevice(
            kind=seen.kind, topic=seen.topic[:200], label=seen.label[:120], model=seen.model[:120],
            first_seen_at=now, last_seen_at=now,
        )
        for seen in sightings
    }  # fmt: skip
    if not rows:
        return
    topics = [topic for _, topic in rows]
    fresh = SeenDevice.objects.filter(topic__in=topics, last_seen_at__gt=now - AGAIN_AFTER)
    known = set(fresh.values_list("kind", "topic"))
    SeenDevice.objects.bulk_create(
        [row for place, row in sorted(rows.items()) if place not in known],
        update_conflicts=True,
        unique_fields=["kind", "topic"],
        update_fields=["label", "model", "last_seen_at"],
    )
