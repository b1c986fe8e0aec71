"""Calendars that other programs read, and the pages where their addresses are made."""

from django.utils import timezone

from reservations.feeds import digest_of
from reservations.models import CalendarFeed
from tests.api.lab import Lab
from tests.fablab.rows.row import ALL_200, ALL_404, ALL_405, MANAGERS_THERE, SIGNED_IN, Row

MACHINE_FEED, SITE_FEED = "secret-of-a-machine", "secret-of-a-site"

ROWS: tuple[Row, ...] = (
    Row("calendar-feed", ALL_200, ALL_405, ("{machine_feed}",), variant="machine"),
    Row("calendar-feed", ALL_200, ALL_405, ("{site_feed}",), variant="site"),
    Row("calendar-feed", ALL_404, ALL_405, ("nothing-like-it",), variant="unknown"),
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
)


def words(lab: Lab) -> dict[str, str]:
    """What the rows' addresses and forms are filled with, beside the words of tests/fablab/test_access.py."""
    machine = _feed(MACHINE_FEED, machine=lab.printer_machine)
    _feed(SITE_FEED, site=lab.site)
    own = _feed("secret-of-a-person", person=lab.people["holder"])
    return {
        "machine_feed": MACHINE_FEED, "site_feed": SITE_FEED, "machine_feed_pk": str(machine.pk),
        "own_feed_pk": str(own.pk),
    }  # fmt: skip


def _feed(token: str, **of_what: object) -> CalendarFeed:
    defaults = {"created_at": timezone.now(), "label": "Screen", **of_what}
    return CalendarFeed.objects.get_or_create(token_digest=digest_of(token), defaults=defaults)[0]
