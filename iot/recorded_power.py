"""What a device's power was over some time: for the curve, and for the thresholds that it proposes."""

import datetime as dt

from iot.models import Device, Reading, ReadingKind
from iot.thresholds import Sample

SPAN = dt.timedelta(hours=1)
# Ten values a second for an hour, and then some.
SAMPLES_MOST = 40_000


def recorded_power(device: Device, now: dt.datetime, span: dt.timedelta = SPAN) -> list[Sample]:
    """`(at, power_w)` of the last hour, oldest first. One query."""
    rows = Reading.objects.filter(device=device, kind=ReadingKind.POWER_W, at__gt=now - span, at__lte=now)
    return list(rows.order_by("at").values_list("at", "value")[:SAMPLES_MOST])
