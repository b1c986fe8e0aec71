"""The first page: what is free, what is taken and what nobody knows are three things; a closed day says why."""

import datetime as dt
import re

import pytest
import time_machine
from django.test import Client

from iot.models import Device
from machines.models import OpeningException
from tests.factories import NOW, at, every_day, make_machine, make_site, reserve

pytestmark = pytest.mark.django_db

HOUR = dt.timedelta(hours=1)
TODAY = dt.date(2026, 3, 11)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False):
        yield


def words(language: str = "en") -> str:
    response = Client(headers={"accept-language": language}).get("/")
    assert response.status_code == 200
    main = re.search(r"<main.*?</main>", response.content.decode(), re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", main[0]).split())


def silence(machine):
    """It has a device, last heard two hours ago."""
    Device.objects.create(slug=f"dev-{machine.slug}", machine=machine, last_seen_at=NOW - 2 * HOUR)


def test_free_taken_and_without_news_are_told_apart():
    site = make_site()
    make_machine(site=site, name="Lathe")
    taken, silent = make_machine(site=site, name="Laser"), make_machine(site=site, name="Plotter")
    reserve(machine=taken, start=at("09:00"), end=at("11:00"), now=NOW - HOUR)
    silence(silent)

    page = words()

    assert "1 machine is free right now." in page
    assert "There is no news of 1 machine" in page
    free, rest = page.split("Free now", 1)[1].split("Taken now", 1)
    held, unknown = rest.split("Without news", 1)
    assert ("Lathe" in free, "Laser" in free, "Plotter" in free) == (True, False, False)
    assert "Laser Reserved Free again 11:00" in held
    assert "Plotter No news Last heard 07:00" in unknown


def test_silence_alone_is_not_called_taken():
    silence(make_machine(site=make_site(), name="Plotter"))

    page = words()

    assert "No machine is free" not in page
    assert "Nothing is free" not in page
    assert "There is no news of 1 machine" in page


@pytest.mark.parametrize(("language", "said"), [("en", "Closed: Works"), ("fr", "Works")])
def test_day_that_is_closed_for_a_reason_says_it(language, said):
    site = make_site(hours=every_day("08:00", "18:00"))
    make_machine(site=site)
    OpeningException.objects.create(site=site, date=TODAY, title="Works")

    page = words(language)

    title, hours = page.split("Riverside", 1) if "Riverside" in page else page.split(site.name, 1)
    assert said in title
    assert said in hours


def test_closed_tomorrow_keeps_its_place_among_the_days():
    site = make_site(hours=every_day("08:00", "18:00"))
    OpeningException.objects.create(site=site, date=TODAY + dt.timedelta(days=1), title="Works")

    page = words()

    assert "Open until 18:00" in page
    assert "Wed 11 Mar 08:00 – 18:00 Thu 12 Mar Closed: Works Fri 13 Mar 08:00 – 18:00" in page
