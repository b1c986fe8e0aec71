"""What curve.js draws: the values of a curve with its lines and its words, as plain data beside the picture."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from fablab.power_curve import Curve
from fablab.power_spans import SpanCurve
from iot.models import Device
from iot.thresholds import Sample

# In %(…)s stands what the browser fills in.
WORDS: dict[str, str | Promise] = {
    "in_use": _("%(time)s: %(power)s W, above the line “in use”"),
    "between": _("%(time)s: %(power)s W, between the two lines"),
    "idle": _("%(time)s: %(power)s W, below the line “idle”"),
    "average": _("%(time)s: %(power)s W on average, from %(least)s to %(most)s W"),
    "nothing": _("%(time)s: nothing was measured"),
    "shown": _("Shown: %(since)s to %(until)s"),
    "stale": _("The lab does not answer: the curve stands still."),
    "busy_line": _("in use above this"),
    "idle_line": _("idle below this"),
}


def curve_facts(drawn: Curve | SpanCurve, device: Device, zone: ZoneInfo) -> dict[str, Any]:
    """Times in seconds since 1970, power in W; None where the line breaks. `values` are columns of equal length: times,
    power, and for a longer span the least and the greatest of each part of `part_s` seconds."""
    facts = {
        "zone": str(zone),
        "language": get_language() or "en",
        "since": drawn.since.timestamp(),
        "until": drawn.until.timestamp(),
        "busy_w": device.busy_w,
        "idle_w": device.idle_w,
        "words": {name: str(words) for name, words in WORDS.items()},
    }
    if isinstance(drawn, SpanCurve):
        part_s = (drawn.buckets[0].end - drawn.buckets[0].start).total_seconds()
        return facts | {"part_s": part_s, "proposed": None, "values": _columns(_parts(drawn), 4)}
    proposed = drawn.proposal if drawn.is_news else None
    return facts | {
        "part_s": None,
        "proposed": [proposed.busy_w, proposed.idle_w] if proposed else None,
        "values": _columns(_singles(drawn.points, drawn.longest_gap), 2),
    }


def _columns(rows: Iterator[tuple[float | None, ...]], count: int) -> list[list[float | None]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _column in range(count)]


def _singles(points: Sequence[Sample], longest_gap: dt.timedelta) -> Iterator[tuple[float | None, ...]]:
    last: dt.datetime | None = None
    for at, power_w in points:
        if last is not None and at - last > longest_gap:
            yield (last + (at - last) / 2).timestamp(), None
        yield round(at.timestamp(), 1), round(power_w, 1)
        last = at


def _parts(drawn: SpanCurve) -> Iterator[tuple[float | None, ...]]:
    last: dt.datetime | None = None
    for bucket in drawn.buckets:
        if last is not None and bucket.start - last >= drawn.longest_gap:
            yield (last + (bucket.start - last) / 2).timestamp(), None, None, None
        middle = bucket.start + (bucket.end - bucket.start) / 2
        yield middle.timestamp(), round(bucket.mean_w, 1), round(bucket.least_w, 1), round(bucket.most_w, 1)
        last = bucket.end
