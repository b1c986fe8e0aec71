"""Pages that follow a machine, in a real browser whose line to the lab breaks or goes dead: they say so, as the board
does, and are right again once it is back."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, expect

from fablab.lib.live import announce_machines
from iot.models import Device
from people.models import Role
from tests.api.web import Web, environment, url_of_test_database
from tests.browsing import in_thread, required_browser
from tests.fablab.settings_pages import BACKEND
from tests.factories import make_machine, make_site, make_staff
from tests.iot.builders import make_device
from tests.iot.shaky_network import ShakyNetwork

pytestmark = [
    pytest.mark.serial,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]

RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
LIVE = "**/live/"
# Longer than the page waits for the server's sign of life.
SILENCE_MS = 41_000
# A browser waits two seconds before it tries again, and the web process may be busy.
BACK_MS = 20_000
each_page = pytest.mark.parametrize("which", ["machine", "device"])


class Bench:
    """A laser with a reader that was heard just now; a manager's browser finds the lab behind a line that can fail."""

    def __init__(self, web: Web, line: ShakyNetwork) -> None:
        self.line, self.url = line, f"http://127.0.0.1:{line.port}"
        site = make_site(name="Riverside")
        self.machine = make_machine(site=site, name="Laser 7")
        make_device("reader-7", self.machine, is_online=True, last_seen_at=timezone.now())
        client = Client()
        client.force_login(make_staff(site=site, role=Role.FAB_MANAGER), backend=BACKEND)
        self.session = client.cookies[settings.SESSION_COOKIE_NAME].value

    def address(self, which: str) -> str:
        return self.url + {"machine": self.machine.get_absolute_url(), "device": "/manage/devices/reader-7/"}[which]

    def reader_falls_silent(self) -> None:
        """Nobody is told: only a page that asks by itself comes to know it."""
        in_thread(lambda: Device.objects.update(is_online=False))

    def something_happens(self) -> None:
        in_thread(lambda: announce_machines([self.machine.pk]))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    env = environment(url_of_test_database(), tmp_path, SECRET_KEY=settings.SECRET_KEY)
    with Web(env, tmp_path / "web.log") as web:
        line = ShakyNetwork(web.port)
        yield Bench(web, line)
        line.close()


@pytest.fixture
def browser(bench: Bench) -> Iterator[Browser]:
    with required_browser() as running:
        yield running


@pytest.fixture
def page(bench: Bench, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="en-GB", viewport={"width": 320, "height": 640})
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": bench.session, "url": bench.url}])
    yield context.new_page()
    context.close()


def notice(page: Page) -> Locator:
    return page.locator("[data-live-lost]")


def open_live(page: Page, address: str) -> None:
    """Open until its stream has begun."""
    with page.expect_response(LIVE):
        page.goto(address)
    expect(notice(page)).to_be_hidden()


@each_page
def test_page_says_that_the_line_is_lost_and_is_right_once_it_is_back(bench: Bench, page: Page, which: str) -> None:
    open_live(page, bench.address(which))

    bench.line.cut()
    expect(notice(page)).to_be_visible()
    expect(notice(page)).to_contain_text(re.compile(r"Contact with the server is lost.*came at \d\d:\d\d\."))
    found = Axe().run(page, options=RULES).response["violations"]
    bench.reader_falls_silent()
    bench.line.mend()

    expect(notice(page)).to_be_hidden(timeout=BACK_MS)
    expect(page.locator("#live")).to_contain_text("No news", timeout=BACK_MS)
    assert [each["id"] for each in found] == []


@each_page
def test_page_notices_a_line_that_is_dead_and_not_broken(bench: Bench, page: Page, which: str) -> None:
    page.clock.install()
    open_live(page, bench.address(which))

    bench.line.hold()
    page.clock.fast_forward(SILENCE_MS)
    expect(notice(page)).to_be_visible()
    bench.something_happens()
    bench.line.mend()

    expect(notice(page)).to_be_hidden(timeout=BACK_MS)


@each_page
def test_page_tries_again_when_the_browser_gave_up(bench: Bench, page: Page, which: str) -> None:
    page.route(LIVE, lambda route: route.fulfill(status=503))
    page.goto(bench.address(which))
    expect(notice(page)).to_be_visible()

    page.unroute(LIVE)

    expect(notice(page)).to_be_hidden(timeout=BACK_MS)


def test_page_that_follows_no_machine_asks_for_no_news(bench: Bench, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto(f"{bench.url}/me/")

    assert any(url.endswith(".js") for url in asked)
    assert [url for url in asked if "/live/" in url] == []
