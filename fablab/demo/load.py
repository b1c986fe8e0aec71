"""Loads the demo, or brings it up to today."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

from fablab.demo.filament import make_filament
from fablab.demo.history import load_history
from fablab.demo.lab import enrol_devices, make_machines
from fablab.demo.lending import lend_some, make_lent_things
from fablab.demo.octoprint import register_printer
from fablab.demo.people import make_people
from fablab.demo.place import SITE_SLUG, make_place
from fablab.demo.prints import make_prints
from fablab.demo.reception import open_the_doors
from fablab.demo.rules import make_rules
from fablab.demo.teams import make_team
from fablab.demo.today import book_today, break_one_machine, last_loaded_day, lose_one_device, open_day_and_night
from people.models import Site

HISTORY_DAYS = 90
DAY = dt.timedelta(days=1)


class DemoRefused(Exception):
    """This database belongs to a real lab; the text says what to do."""


def load_demo(*, data_dir: Path, now: dt.datetime, report: Callable[[str], object], days: int = HISTORY_DAYS) -> None:
    """Load the demo, or bring it up to today; a second time on the same day changes next to nothing.

    Side effects in order: place, people, machines and devices; the days since the last loading (`days` of them the
    first time); opening, outage, silent device; bookings around now, loans; who is here; the
    OctoPrint printer; filament; prints; rules.

    Raises:
        DemoRefused: the database holds a site that is not the demo's.
    """
    if Site.objects.exclude(slug=SITE_SLUG).exists():
        raise DemoRefused(
            "This database holds a real site, so the demo stays out of it. Start with --no-demo, "
            "or give the demo a database of its own (DATABASE_URL)."
        )
    site = make_place()
    today = now.astimezone(site.zone).date()
    make_people(site, now=now)
    team = make_team(site, now=now)
    make_machines(site)
    make_lent_things(site)
    enrol_devices(data_dir, now=now)
    last = last_loaded_day(site)
    # The day of the last loading has its bookings already.
    load_history(site, max(today - days * DAY, last + DAY if last else dt.date.min), today - DAY, report)
    open_day_and_night(site, today)
    break_one_machine(now, today)
    lose_one_device(now)
    made = book_today(site, now)
    lend_some(site, now)
    open_the_doors(site, now)
    register_printer(data_dir)
    make_filament(site)
    make_prints(site, team, now)
    make_rules(site, now=now)
    report(f"  today: {made} bookings added")
