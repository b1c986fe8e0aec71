"""The few components every page draws: icons, states, times. State is always word + shape + colour."""

import datetime as dt
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.templatetags.static import static
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy

from fablab.lib.day_words import date_words
from fablab.lib.intervals import Interval
from machines.models import RiskLevel
from reservations.messages import duration_words
from reservations.time_words import from_to_words

register = template.Library()

RESERVATION_TONES = {
    "confirmed": ("reserved", "reserved"),
    "pending": ("care", "question-circle"),
    "held": ("care", "stopwatch"),
    "in_use": ("in-use", "in-use"),
    "completed": ("done", "check2"),
    "cancelled": ("quiet", "x-circle"),
    "no_show": ("quiet", "person-x"),
    "expired": ("quiet", "clock"),
    "refused": ("out", "x-lg"),
    "draft": ("quiet", "pencil"),
}
# What the person reads of states whose own word speaks of us.
RESERVATION_WORDS = {
    "held": gettext_lazy("offered, waits for a yes"),
    "expired": gettext_lazy("ran out without an answer"),
    "no_show": gettext_lazy("nobody came"),
}
JOB_TONES = {
    "draft": ("quiet", "pencil"),
    "awaiting_approval": ("care", "clock"),
    "returned": ("care", "care"),
    "printing": ("in-use", "in-use"),
    "paused": ("care", "care"),
    "finished": ("free", "check2"),
    "failed": ("out", "out"),
    "lost": ("care", "care"),
    "cancelled": ("quiet", "x-circle"),
    "withdrawn": ("quiet", "x-circle"),
}


@lru_cache
def _sprite() -> str:
    return static("icons.svg")


@register.simple_tag
def icon(name: str, size: int = 18) -> SafeString:
    """A drawing beside words; hidden from screen readers, who hear the words."""
    return format_html(
        '<svg class="icon" width="{}" height="{}" aria-hidden="true" focusable="false"><use href="{}#i-{}"/></svg>',
        size,
        size,
        _sprite(),
        name,
    )


def _badge(tone: str, shape: str, word: str) -> SafeString:
    return format_html('<span class="state state-{}">{}<span>{}</span></span>', tone, icon(shape, 16), word)


@register.simple_tag
def state_badge(status: Any) -> SafeString:
    """The state of a machine."""
    return _badge(status.state, status.state, status.word)


@register.simple_tag
def reservation_badge(reservation: Any) -> SafeString:
    tone, shape = RESERVATION_TONES[reservation.status]
    word = RESERVATION_WORDS.get(reservation.status) or reservation.get_status_display()
    return _badge(tone, shape, str(word))


@register.simple_tag
def job_badge(job: Any) -> SafeString:
    tone, shape = JOB_TONES.get(job.state, ("reserved", "reserved"))
    return _badge(tone, shape, job.get_state_display())


@register.filter
def clock(instant: dt.datetime, zone: ZoneInfo) -> str:
    """“14:30” on the site's wall."""
    return instant.astimezone(zone).strftime("%H:%M")


@register.filter
def clock_end(instant: dt.datetime, zone: ZoneInfo) -> str:
    """The same for the end of a stretch: midnight is 24:00."""
    words = clock(instant, zone)
    return "24:00" if words == "00:00" else words


@register.simple_tag
def from_to(start: dt.datetime, end: dt.datetime, zone: ZoneInfo) -> str:
    """“14:00 – 16:00”; over midnight “22:00 – 02:00 (Wed 13 Mar)”."""
    return from_to_words(start, end, zone)


@register.filter
def day(instant: dt.datetime | dt.date, zone: ZoneInfo | None = None) -> str:
    """“Tuesday 12 March”."""
    local = instant.astimezone(zone) if isinstance(instant, dt.datetime) else instant
    # Translators: a date format of Django; French wants "l j F".
    return date_words(local, gettext("l j F"))


@register.filter
def short_day(instant: dt.datetime | dt.date, zone: ZoneInfo | None = None) -> str:
    """“Tue 12 Mar”."""
    local = instant.astimezone(zone) if isinstance(instant, dt.datetime) else instant
    # Translators: a date format of Django.
    return date_words(local, gettext("D j M"))


@register.filter
def duration(value: dt.timedelta | None) -> str:
    return duration_words(value) if value is not None else ""


@register.filter
def megabytes(size_bytes: int) -> str:
    if size_bytes < 100_000:
        return gettext("%(size)s kB") % {"size": max(1, round(size_bytes / 1000))}
    return gettext("%(size)s MB") % {"size": number_format(size_bytes / 1_000_000, 1)}


@register.simple_tag(takes_context=True)
def current(context: Any, *names: str) -> SafeString:
    """`aria-current` when the page shown is one of these."""
    match = getattr(context.get("request"), "resolver_match", None)
    return SafeString(' aria-current="page"') if match and match.view_name in names else SafeString("")


@register.filter
def iso_day(instant: dt.datetime, zone: ZoneInfo) -> str:
    """“2026-03-12”, for addresses and forms."""
    return instant.astimezone(zone).date().isoformat()


@register.filter
def instant(value: dt.datetime) -> str:
    """“2026-03-12T13:00:00Z”, for addresses and forms: to the instant, and no plus sign to be lost on the way."""
    return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@register.filter
def weekday(instant: dt.datetime, zone: ZoneInfo) -> str:
    return date_format(instant.astimezone(zone), "l").capitalize()


@register.simple_tag
def span(start: dt.datetime, end: dt.datetime) -> str:
    """How long from one to the other."""
    return duration_words(end - start)


@register.simple_tag
def minutes_of(value: dt.timedelta) -> str:
    return str(int(value.total_seconds() // 60))


@register.filter
def in_seconds(value: dt.timedelta) -> str:
    """“90”, for thresholds and their forms: to the second."""
    return str(int(value.total_seconds()))


@register.simple_tag
def millimetres(value: float) -> str:
    return gettext("%(metres)s m") % {"metres": number_format(value / 1000, 2)}


@register.filter
def euros(cents: int) -> str:
    return gettext("€%(amount)s") % {"amount": number_format(cents / 100, 2)}


@register.simple_tag
def drawing(name: str) -> str:
    """The drawing shown for a machine without a photo."""
    return static(f"machines/{name}.svg")


@register.simple_tag
def risk_words(risk: int) -> str:
    return str(RiskLevel(risk).label)


@register.simple_tag
def field_control(field: Any) -> SafeString:
    """A form field's control, in our looks, told apart for screen readers when it has an error."""
    widget = field.field.widget
    kinds = {"select": "form-select", "checkbox": "form-check-input"}
    kind = kinds.get(getattr(widget, "input_type", ""), "form-control")
    attributes = {"class": kind}
    if field.errors:
        attributes |= {"aria-invalid": "true", "class": f"{kind} is-invalid"}
    return SafeString(field.as_widget(attrs=attributes))


@register.simple_tag
def hours_of(opening: Interval, zone: ZoneInfo) -> str:
    """“10:00 – 19:00”; a whole day is said in words, midnight at the end is 24:00."""
    if opening.duration >= dt.timedelta(hours=23):
        return gettext("day and night")
    return f"{clock(opening.start, zone)} – {clock_end(opening.end, zone)}"


@register.simple_tag
def open_until(opening: Interval, zone: ZoneInfo) -> str:
    """What the door says now."""
    if opening.duration >= dt.timedelta(hours=23):
        return gettext("Open day and night")
    return gettext("Open until %(time)s") % {"time": clock_end(opening.end, zone)}


@register.filter
def widget_kind(widget: Any) -> str:
    """How a form lays a control out: "group" (several boxes), "checkbox" or "line"."""
    if getattr(widget, "input_type", "") in ("radio", "checkbox") and hasattr(widget, "choices"):
        return "group"
    return "checkbox" if getattr(widget, "input_type", "") == "checkbox" else "line"


@register.filter
def focuses_a_field(form: Any) -> bool:
    """Whether the form says itself where the keyboard begins; else its summary of errors is the place."""
    return any("autofocus" in field.field.widget.attrs for field in form)


@register.filter
def in_fours(text: str) -> str:
    """“ABCD EFGH IJ”: letters to be copied by hand, which may go on in the next line."""
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


@register.filter
def example_of(form: Any, name: str) -> str:
    """What the `?` beside a setting says: the form's `examples`, by field name."""
    return str(getattr(form, "examples", {}).get(name, ""))
