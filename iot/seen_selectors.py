"""Reads about devices that speak on the broker and report for no machine yet."""

import datetime as dt

from django.db.models import Exists, OuterRef, QuerySet

from iot.drivers import FOREIGN
from iot.drivers.base import Seen
from iot.models import Device, SeenDevice

LATELY = dt.timedelta(days=7)


def devices_seen(now: dt.datetime, *, is_ignored: bool = False) -> QuerySet[SeenDevice]:
    """Those that spoke within a week and that nobody attached, last heard first; or those put aside."""
    attached = Device.objects.filter(kind=OuterRef("kind"), topic=OuterRef("topic"), revoked_at=None)
    rows = SeenDevice.objects.filter(ignored_at__isnull=not is_ignored, last_seen_at__gt=now - LATELY)
    return rows.exclude(Exists(attached)).order_by("-last_seen_at", "pk")


def may_be_attached(seen: SeenDevice) -> bool:
    """Whether a driver reads it, and its topic can be granted to this one device alone."""
    driver = FOREIGN.get(seen.kind)
    return driver is not None and Seen(seen.kind, seen.topic, seen.label).fits and bool(driver.writes(seen.topic))
