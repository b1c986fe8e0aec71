"""Reservations written as a calendar program reads them (RFC 5545)."""

import datetime as dt
from collections.abc import Iterable

from icalendar import Calendar, Event

from reservations.feed_events import FeedEvent

MAKER = "-//fablab//reservations//EN"
READ_AGAIN = dt.timedelta(hours=1)


def as_calendar(events: Iterable[FeedEvent], *, name: str, language: str) -> bytes:
    """The whole calendar, times in UTC: no reader needs to know our clock's rules."""
    calendar = Calendar()
    calendar.add("prodid", MAKER)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    # The name and the rhythm twice: once as in RFC 7986, once as older programs read them.
    calendar.add("name", name, parameters={"LANGUAGE": language})
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", READ_AGAIN, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for event in events:
        calendar.add_component(_component(event))
    return calendar.to_ical()


def _component(event: FeedEvent) -> Event:
    written = Event()
    written.add("uid", event.uid)
    written.add("sequence", event.sequence)
    written.add("dtstamp", event.changed_at.astimezone(dt.UTC))
    written.add("created", event.made_at.astimezone(dt.UTC))
    written.add("last-modified", event.changed_at.astimezone(dt.UTC))
    written.add("dtstart", event.start.astimezone(dt.UTC))
    written.add("dtend", event.end.astimezone(dt.UTC))
    written.add("summary", event.summary)
    written.add("location", event.place)
    written.add("status", event.status)
    # A time that is given back makes nobody busy.
    written.add("transp", "TRANSPARENT" if event.status == "CANCELLED" else "OPAQUE")
    if event.url:
        written.add("url", event.url)
    return written
