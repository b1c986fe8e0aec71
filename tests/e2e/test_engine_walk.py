"""A maker gets a loom that others want too, on a phone, by keyboard alone: refused, another time, the waiting list, its
offer, a move, a cancellation, and a series of which one date is taken."""

import datetime as dt
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from people.models import Person
from people.models.token import Scope
from reservations.services import create_reservation
from tests.api.lab import make_token
from tests.api.web import Web, environment, url_of_test_database
from tests.chromium import chromium_path, running_browser
from tests.conftest import skip_or_fail
from tests.e2e.keyboard import Keyboard
from tests.factories import give_role, make_machine, make_person, make_site, minutes

pytestmark = [
    pytest.mark.serial,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]

PHONE = {"width": 390, "height": 844}
LOCALES = {"fr": "fr-FR", "en": "en-GB"}
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],
}
A_RESERVATION = re.compile(r"/reservations/\w+/$")


@dataclass
class Walk:
    """The maker's browser, and what the rival does meanwhile through the API."""

    page: Page
    hand: Keyboard
    url: str
    key: str
    machine: str
    taken: dt.datetime
    reference: str
    faults: list[str]

    def go(self, address: str) -> None:
        self.page.goto(address)
        self.look()

    def press(self, selector: str) -> None:
        """Enter, and wait for the page that follows."""
        with self.page.expect_navigation():
            self.hand.press(selector)
        self.look()

    def look(self) -> None:
        """No page of the way has a fault that axe finds, or is wider than the phone."""
        violations = Axe().run(self.page, options=RULES).response["violations"]
        wider = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        self.faults += [f"{self.page.url} {fault['id']}: {fault['nodes'][0]['html'][:160]}" for fault in violations]
        self.faults += [f"{self.page.url} is {wider} px wider than the phone"] if wider > 0 else []

    def confirm_at(self, start: dt.datetime) -> str:
        times = f"day={start:%Y-%m-%d}&start={start:%H:%M}&end={start + minutes(60):%H:%M}"
        return f"/reserve/confirm/?machine={self.machine}&{times}"

    def rival_gives_back(self) -> None:
        address = f"{self.url}/api/v1/reservations/{self.reference}/cancel/"
        headers = {"Authorization": f"Token {self.key}"}
        with urllib.request.urlopen(urllib.request.Request(address, method="POST", headers=headers)) as answer:
            assert answer.status == 200


@pytest.fixture(params=["fr", "en"])
def walk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Walk]:
    """All rows are made before the browser runs, whose loop would give Django another connection."""
    now, site = timezone.now(), make_site(name="Riverside", time_zone="UTC")
    machine, maker, rival = make_machine(site=site, name="Loom"), make_person(language=request.param), make_person()
    for person in (maker, rival):
        give_role(person=person, site=site)
    taken = (now + dt.timedelta(days=2)).replace(hour=10, minute=0, second=0, microsecond=0)
    first, _second = (_reserve(machine, rival, taken + dt.timedelta(days=days), now) for days in (0, 10))
    client = Client()
    client.force_login(maker, backend="people.sign_in_backends.PersonBackend")
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    _row, key = make_token(rival, Scope.RESERVE)
    if chromium_path() is None:
        skip_or_fail("Chromium is not installed: nobody walks through (apt-get install chromium).")
    env = environment(url_of_test_database(), tmp_path, SECRET_KEY=settings.SECRET_KEY)
    with Web(env, tmp_path / "web.log") as web, running_browser() as browser:
        url = f"http://127.0.0.1:{web.port}"
        context = browser.new_context(locale=LOCALES[request.param], base_url=url, viewport=PHONE)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": url}])
        page = context.new_page()
        yield Walk(page, Keyboard(page), url, key, machine.slug, taken, first.reference, [])
        context.close()


def _reserve(machine: object, holder: Person, start: dt.datetime, now: dt.datetime):
    return create_reservation(machine=machine, start=start, end=start + minutes(60), holder=holder, by=holder, now=now)


def test_maker_gets_what_others_want_too_by_keyboard_alone(walk: Walk) -> None:
    page = walk.page

    # Refused, with the reason, and another time in one step.
    walk.go(walk.confirm_at(walk.taken))
    expect(page.locator("[data-code=taken]")).to_be_visible()
    walk.press("#alternatives-title + .slots .slot-link")
    walk.press(".stick button[type=submit]")
    expect(page).to_have_url(A_RESERVATION)

    # The waiting list, and its offer.
    walk.go(walk.confirm_at(walk.taken))
    walk.press("form[action='/reserve/wait/'] button[type=submit]")
    walk.rival_gives_back()
    walk.go("/me/")
    walk.press("form[action$='/accept/'] button")
    expect(page).to_have_url(A_RESERVATION)

    # To another time.
    walk.go("/me/")
    walk.press("main a[href^='/reservations/']")
    walk.press("a[href*='moving=']")
    walk.press(".slots .slot-link")
    walk.press(".stick button[type=submit]")
    expect(page).to_have_url(A_RESERVATION)

    # Given back.
    walk.hand.press("details.confirm summary")
    walk.press("form[action$='/cancel/'] button")
    expect(page).to_have_url(re.compile("/me/$"))

    # Three weeks, of which one is taken.
    start = walk.taken + dt.timedelta(days=3, hours=0)
    walk.go(walk.confirm_at(start))
    walk.press("a[href^='/reserve/repeat/']")
    walk.hand.fill("[name=times]", "3")
    walk.press("form[action='/reserve/repeat/'] button[type=submit]")
    expect(page.locator(".denials li")).to_have_count(1)
    walk.press("form[method=post][action='/reserve/repeat/'] button[type=submit]")
    expect(page.locator(".slots .slot-link")).to_have_count(2)

    assert walk.faults == []
