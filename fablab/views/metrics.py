"""Figures for Prometheus, in its text format: https://prometheus.io/docs/instrumenting/exposition_formats/"""

import datetime as dt
import hmac
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone

from fablab.health import worker_beats
from fablab.lib import env
from iot.ingest.figures import Figures
from iot.ingest_health import ingest_health, tally

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Labels = dict[str, str]


@dataclass(frozen=True, slots=True)
class Metric:
    """One name with its values; a value that is None is not known and left out."""

    name: str
    kind: str
    help: str
    values: tuple[tuple[Labels, float | None], ...]


def metrics(request: HttpRequest) -> HttpResponse:
    """404 without a key of ours: nobody learns that there is something; 403 with a wrong one."""
    key = env.text("FABLAB_METRICS_KEY")
    if not key:
        raise Http404
    kind, _, said = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not hmac.compare_digest(said.encode(), key.encode()):
        return HttpResponse(status=403)
    now = timezone.now()
    return HttpResponse(
        as_text([*_of_ingest(now), *_of_devices(now)]), content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"}
    )


def as_text(found: Iterable[Metric]) -> str:
    """Each metric with its help and its kind, then a line a value."""
    return "".join(f"{line}\n" for metric in found for line in _lines(metric))


def _lines(metric: Metric) -> Iterator[str]:
    known = [(labels, value) for labels, value in metric.values if value is not None]
    if known:
        yield f"# HELP {metric.name} {metric.help}"
        yield f"# TYPE {metric.name} {metric.kind}"
    for labels, value in known:
        pairs = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
        yield f"{metric.name}{{{pairs}}} {_number(value)}" if pairs else f"{metric.name} {_number(value)}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    if math.isfinite(value):
        return repr(float(value)) if value != int(value) else str(int(value))
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def _of_ingest(now: dt.datetime) -> Iterator[Metric]:
    health = ingest_health(now)
    everyone = [*((told, True) for told in health.running), *((told, False) for told in health.gone)]

    def each(name: str, kind: str, help_: str, pick: Callable[[Figures], float | None]) -> Metric:
        values = tuple(({"consumer": told.name}, pick(told)) for told in health.running)
        return Metric(f"fablab_ingest_{name}", kind, help_, values)

    up = tuple(({"consumer": told.name}, float(is_up)) for told, is_up in everyone)
    yield Metric("fablab_ingest_up", "gauge", "Whether the consumer wrote its figures lately.", up)
    yield each("connected", "gauge", "Whether it is connected to the broker.", lambda told: float(told.is_connected))
    yield each("messages_total", "counter", "Messages stored since its start.", lambda told: told.messages)
    yield each("batches_total", "counter", "Batches committed since its start.", lambda told: told.batches)
    yield each("storing_seconds_total", "counter", "Time taken to commit them.", lambda told: told.storing_s)
    yield each("last_batch_seconds", "gauge", "Time taken to commit the last batch.", lambda told: told.last_batch_s)
    yield each(
        "lag_seconds", "gauge", "How long the oldest message waited, of the batch stored last or being stored.",
        lambda told: told.last_lag_s,
    )  # fmt: skip
    yield each(
        "last_stored_timestamp_seconds", "gauge", "When the last batch was committed.",
        lambda told: told.last_stored_at or None,
    )  # fmt: skip
    yield each("queue_messages", "gauge", "Messages taken from the broker and not stored yet.", lambda told: told.queue)
    yield each("queue_limit_messages", "gauge", "From so many on, the broker holds the rest.",
               lambda told: told.queue_most)  # fmt: skip
    yield each("badges_waiting", "gauge", "Badges that wait for an answer.", lambda told: told.badges_waiting)


def _of_devices(now: dt.datetime) -> Iterator[Metric]:
    found = tally(now)
    yield _by("quarantined_messages", "Messages that could not be read, by reason.", "reason", found.quarantined)
    yield _by("devices", "Enrolled devices.", "state", found.devices)
    yield _by("access_decisions_last_hour", "Badges and codes answered in the last hour.", "answer",
              {"allowed": found.allowed, "denied": found.denied})  # fmt: skip
    times = {"0.5": found.decision_p50_ms, "0.95": found.decision_p95_ms}
    yield Metric(
        "fablab_access_decision_seconds", "gauge", "Time taken to decide, in the last hour.",
        tuple(({"quantile": share}, None if ms is None else ms / 1000) for share, ms in times.items()),
    )  # fmt: skip
    yield Metric("fablab_orders_waiting", "gauge", "Orders not answered yet.", (({}, found.orders_waiting),))
    yield _by("rolled_up_until_timestamp_seconds", "Until when readings are summed up or dropped.", "step",
              {step: until.timestamp() for step, until in found.rolled_up.items()})  # fmt: skip
    yield Metric("fablab_worker_up", "gauge", "Whether the background work's heart beats.", (({}, worker_beats()),))


def _by(name: str, help_: str, label: str, values: dict[str, int] | dict[str, float]) -> Metric:
    return Metric(f"fablab_{name}", "gauge", help_, tuple(({label: key}, value) for key, value in values.items()))
