"""What ingest makes of full batches: 500 messages of 20 samples each, committed."""

import datetime as dt
import secrets
import time

import msgspec
from django.db import connection
from django.utils import timezone

from fablab.bench.measure import Times
from iot.ingest.raw import Directory, RawMessage
from iot.ingest.store import store_batch
from iot.models import Device, DeviceBoot, InboxMessage

MESSAGES, SAMPLES, ROUNDS = 500, 20, 12
READINGS = MESSAGES * SAMPLES
BOOT_PREFIX = "bench-"


def storing() -> tuple[Times, float]:
    """The times of a batch, and the readings stored a second at the median. What it stored is removed afterwards."""
    directory = Directory()
    slugs = list(Device.objects.filter(revoked_at=None).order_by("pk").values_list("slug", flat=True))
    batches = [_batch(slugs, timezone.now()) for _ in range(ROUNDS + 1)]
    store_batch(batches.pop(), directory, now=timezone.now())
    taken_ms = []
    try:
        for batch in batches:
            began_s = time.perf_counter()
            store_batch(batch, directory, now=timezone.now())
            taken_ms.append((time.perf_counter() - began_s) * 1000)
        with connection.execute_wrapper(counter := _Counter()):
            store_batch(_batch(slugs, timezone.now()), directory, now=timezone.now())
    finally:
        _forget()
    times = Times.of(counter.count, taken_ms)
    return times, READINGS / times.median_ms * 1000


class _Counter:
    """Capturing the text of ten thousand readings would cost more than storing them: only count."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        self.count += 1
        return execute(sql, params, many, context)


def _batch(slugs: list[str], now: dt.datetime) -> list[RawMessage]:
    """Messages of all devices, taken in turn, each device in a run of its own."""
    boot = BOOT_PREFIX + secrets.token_hex(6)
    return [
        RawMessage(
            f"fablab/v1/{slugs[n % len(slugs)]}/up/reading",
            msgspec.json.encode(
                {
                    "v": 1, "boot": boot, "seq": 1 + n // len(slugs), "at": now.isoformat(), "uptime_s": 60.0 + n,
                    "data": {"samples": [{"age_ms": 500 * (SAMPLES - k), "power_w": 4.0 + k} for k in range(SAMPLES)]},
                }
            ),
            now,
        )
        for n in range(MESSAGES)
    ]  # fmt: skip


def _forget() -> None:
    InboxMessage.objects.filter(boot__startswith=BOOT_PREFIX).delete()
    DeviceBoot.objects.filter(boot__startswith=BOOT_PREFIX).delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM iot_reading WHERE starts_with(boot, %s)", [BOOT_PREFIX])
