"""How ingest goes: whether it keeps up, how far it is behind, and what the rest of the devices' side looks like."""

import datetime as dt
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection
from django.db.models import Count
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from iot.ingest.figures import Figures, read_figures
from iot.models import Device, DeviceCommand, QuarantinedMessage, RolledUp
from iot.rollups import RUN

# From here on a person notices: a board that is half a minute old.
BEHIND_AFTER_S = 30.0
FULL_SHARE = 0.9
DECISIONS_OVER = dt.timedelta(hours=1)

DECISIONS = """
SELECT count(*) FILTER (WHERE is_allowed), count(*) FILTER (WHERE NOT is_allowed),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY took_ms), percentile_cont(0.95) WITHIN GROUP (ORDER BY took_ms)
FROM iot_accessattempt WHERE at > %s
"""


@dataclass(frozen=True, slots=True)
class IngestHealth:
    """Of the consumers that write on this computer. `gone` are those that stopped without saying so."""

    running: tuple[Figures, ...] = ()
    gone: tuple[Figures, ...] = ()

    @property
    def is_known(self) -> bool:
        """False when no consumer ever wrote here: it may run on another computer."""
        return bool(self.running or self.gone)

    @property
    def is_behind(self) -> bool:
        """Back-pressure: what is taken waits for long, or the broker has to hold the rest."""
        return any(
            (told.last_lag_s > BEHIND_AFTER_S and told.queue) or told.queue >= FULL_SHARE * told.queue_most
            for told in self.running
        )

    @property
    def lag_s(self) -> float:
        """How long the oldest message waited, of the last batch or the one being stored, of the slowest consumer."""
        return max((told.last_lag_s for told in self.running), default=0.0)

    @property
    def messages_a_second(self) -> float:
        return sum(told.messages_a_second for told in self.running)

    @property
    def queue(self) -> int:
        return sum(told.queue for told in self.running)

    @property
    def sentence(self) -> str:
        """One line for the team, in the reader's language; empty when nothing is known."""
        if not self.is_known:
            return ""
        if not self.running:
            return _("Messages of the devices are taken by nobody just now.")
        rate = ngettext(
            "%(n)d message a second is stored", "%(n)d messages a second are stored", round(self.messages_a_second)
        ) % {"n": round(self.messages_a_second)}
        facts = {"rate": rate, "lag": number_format(self.lag_s, 1), "queue": self.queue}
        if self.is_behind:
            return _("%(rate)s, and more come than that: %(queue)d wait, the last ones for %(lag)s s.") % facts
        return _("%(rate)s, %(lag)s s after they came.") % facts


def ingest_health(now: dt.datetime) -> IngestHealth:
    """What the consumers wrote last. Reads files, no database."""
    told = read_figures(settings.DATA_DIR / "run")
    return IngestHealth(
        running=tuple(each for each in told if each.is_fresh(now)),
        gone=tuple(each for each in told if not each.is_fresh(now)),
    )


@dataclass(frozen=True, slots=True)
class Tally:
    """What the database counts of the devices' side. Decisions are those of the last hour, in ms."""

    quarantined: dict[str, int] = field(default_factory=dict)
    devices: dict[str, int] = field(default_factory=dict)
    orders_waiting: int = 0
    allowed: int = 0
    denied: int = 0
    decision_p50_ms: float | None = None
    decision_p95_ms: float | None = None
    rolled_up: dict[str, dt.datetime] = field(default_factory=dict)


def tally(now: dt.datetime) -> Tally:
    """Five queries."""
    quarantined = QuarantinedMessage.objects.filter(replayed_at=None).order_by().values_list("code")
    devices = {"online": 0, "silent": 0, "never_heard": 0}
    for device in Device.objects.filter(revoked_at=None).only("is_online", "last_seen_at", "silent_after"):
        state = "never_heard" if device.last_seen_at is None else "silent" if device.is_silent(now) else "online"
        devices[state] += 1
    with connection.cursor() as cursor:
        cursor.execute(DECISIONS, [now - DECISIONS_OVER])
        allowed, denied, p50_ms, p95_ms = cursor.fetchone()
    return Tally(
        quarantined=dict(quarantined.annotate(count=Count("pk"))),
        devices=devices,
        orders_waiting=DeviceCommand.objects.filter(answered_at=None, expires_at__gt=now).count(),
        allowed=allowed,
        denied=denied,
        decision_p50_ms=p50_ms,
        decision_p95_ms=p95_ms,
        rolled_up=dict(RolledUp.objects.exclude(step=RUN).values_list("step", "until")),
    )
