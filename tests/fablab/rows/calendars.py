"""Calendars that other programs read, and the pages where their addresses are made."""

from django.utils import timezone

from machines.models import ExternalCalendar
from reservations.feeds import digest_of, messages_seal
from reservations.models import CalendarFeed
from tests.api.lab import Lab
from tests.fablab.rows.row import ALL_200, ALL_404, ALL_405, MANAGERS_THERE, SIGNED_IN, Row
from tests.fablab.rows.settings import DONE_THERE

MACHINE_FEED, SITE_FEED, PERSON_FEED = "secret-of-a-machine", "secret-of-a-site", "secret-of-a-person"

ROWS: tuple[Row, ...] = (
    Row("calendar-feed", ALL_200, ALL_405, ("{machine_feed}",), variant="machine"),
    Row("calendar-feed", ALL_200, ALL_405, ("{site_feed}",), variant="site"),
    Row("calendar-feed", ALL_404, ALL_405, ("nothing-like-it",), variant="unknown"),
    # Only a person is told anything.
    Row("messages-feed", ALL_200, ALL_405, ("{own_feed}", "{own_seal}")),
    Row("messages-feed", ALL_404, ALL_405, ("{machine_feed}", "{machine_seal}"), variant="machine"),
    Row("me-calendars", SIGNED_IN, SIGNED_IN, data={"label": "Telephone"}),
    Row("me-calendar-revoke", ALL_405, "302 404 302 404 404 404 404 404 404", ("{own_feed_pk}",)),
    Row(
        "settings-calendars",
        MANAGERS_THERE,
        MANAGERS_THERE,
        ("{site}",),
        data={"whose": "{laser}", "label": "Entrance"},
    ),
    Row("settings-calendar-revoke", ALL_405, "302 403 403 403 403 403 403 302 302", ("{machine_feed_pk}",)),
    # Loopback is refused: what is typed comes back with a sentence, and nothing is dialled.
    Row(
        "settings-calendars-in",
        MANAGERS_THERE,
        "302 403 403 403 403 403 403 400 400",
        ("{laser}",),
        data={"name": "Town hall", "url": "https://127.0.0.1/a.ics"},
    ),
    Row("settings-calendar-in-read", ALL_405, DONE_THERE, ("{calendar_in}",)),
    Row("settings-calendar-in-remove", ALL_405, DONE_THERE, ("{calendar_in}",)),
)


def words(lab: Lab) -> dict[str, str]:
    """What the rows' addresses and forms are filled with, beside the words of tests/fablab/test_access.py."""
    machine = _feed(MACHINE_FEED, machine=lab.printer_machine)
    _feed(SITE_FEED, site=lab.site)
    own = _feed(PERSON_FEED, person=lab.people["holder"])
    # Its address cannot be opened, so that reading it dials nobody.
    calendar_in, _ = ExternalCalendar.objects.get_or_create(
        machine=lab.laser, name="School", defaults={"sealed_url": "no such key", "host": "calendar.example"}
    )
    return {
        "machine_feed": MACHINE_FEED, "site_feed": SITE_FEED, "machine_feed_pk": str(machine.pk),
        "own_feed_pk": str(own.pk), "own_feed": PERSON_FEED,
        "own_seal": messages_seal(PERSON_FEED), "machine_seal": messages_seal(MACHINE_FEED),
        "calendar_in": str(calendar_in.pk),
    }  # fmt: skip


def _feed(token: str, **of_what: object) -> CalendarFeed:
    defaults = {"created_at": timezone.now(), "label": "Screen", **of_what}
    return CalendarFeed.objects.get_or_create(token_digest=digest_of(token), defaults=defaults)[0]
