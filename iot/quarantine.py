"""Reads about messages that nobody could read: by reason, and what one of them holds."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count, Max, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from iot.models import QuarantinedMessage

EXCERPT_MOST = 400
# What happened, and what to do about it.
REASONS: dict[str, tuple[str | Promise, str | Promise]] = {
    "unknown_device": (
        _("From a device that is not enrolled"),
        _("Attach it if it is yours; otherwise look who else writes on your broker."),
    ),
    "unknown_topic": (_("On a topic that means nothing"), _("Look at the topic that is set on the device.")),
    "unknown_leaf": (_("Of a kind that this version does not know"), _("Update fablab, or the agent: one is older.")),
    "too_large": (_("Too large"), _("A device of ours never sends so much; another one sends something else here.")),
    "wrong_shape": (
        _("Not what its driver expects"), _("After an update of the device its words change; then its driver must.")
    ),
    "not_utf8": (_("No text"), _("Usually something else that writes on the same topic.")),
    "not_json": (_("No valid JSON"), _("Usually something else that writes on the same topic.")),
    "too_deep": (_("Nested too deeply"), _("Made to do harm, or broken: look which device sends it.")),
    "not_finite": (_("A value that cannot be"), _("The sensor is broken or not connected.")),
    "refused_by_database": (_("Refused by the database"), _("Please report it, with the detail shown below.")),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reason:
    """How many messages were set aside for one reason, and when the last one came."""

    code: str
    count: int
    last_at: dt.datetime

    @property
    def words(self) -> str:
        return str(REASONS[self.code][0]) if self.code in REASONS else self.code

    @property
    def advice(self) -> str:
        return str(REASONS[self.code][1]) if self.code in REASONS else ""


def set_aside_at(site_ids: Collection[int]) -> QuerySet[QuarantinedMessage]:
    """Of devices at these sites, and what belongs to no device or to one that stands nowhere; not yet read again."""
    theirs = Q(device=None) | Q(device__machine=None) | Q(device__machine__unit__site__in=site_ids)
    return QuarantinedMessage.objects.filter(theirs, replayed_at=None)


def reasons_in(messages: QuerySet[QuarantinedMessage]) -> list[Reason]:
    """The most frequent one first. One query."""
    rows = messages.order_by().values("code").annotate(count=Count("pk"), last_at=Max("received_at"))
    return [Reason(**row) for row in rows.order_by("-count", "code")]


def excerpt_of(message: QuarantinedMessage) -> str:
    """The beginning of what came, as text that a page can show: what is no letter is a dot."""
    text = bytes(message.payload)[:EXCERPT_MOST].decode("utf-8", "replace")
    shown = "".join(letter if letter.isprintable() else "·" for letter in text)
    return f"{shown} …" if message.size_bytes > EXCERPT_MOST else shown
