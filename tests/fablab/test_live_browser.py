"""Pages that follow a machine, in a real browser whose line to the lab breaks or goes dead: they say so, as the board
does, and are right again once it is back."""

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.api.web import Web, environment, url_of_test_database
from tests.browsing import required_browser
from tests.fablab.live_bench import BACK_MS, SILENCE_MS, Bench, look
from tests.iot.shaky_network import ShakyNetwork

pytestmark = [
    pytest.mark.serial,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]

RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
LIVE = "**/live/"
# Nobody's clock here is the lab's.
FAR_AWAY = "America/New_York"
# Of one browser to one server.
CONNECTIONS_MOST = 6
each_page = pytest.mark.parametrize("which", ["machine", "device"])


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
def context(bench: Bench, browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="en-GB", viewport={"width": 320, "height": 640}, timezone_id=FAR_AWAY)
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": bench.session, "url": bench.url}])
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


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


def test_last_news_is_told_by_the_clock_of_the_place(bench: Bench, page: Page) -> None:
    before = dt.datetime.now(ZoneInfo("Europe/Paris"))
    open_live(page, bench.address("machine"))

    bench.line.cut()
    expect(notice(page)).to_be_visible()

    after = dt.datetime.now(ZoneInfo("Europe/Paris"))
    assert re.findall(r"\d\d:\d\d", notice(page).inner_text())[0] in (f"{before:%H:%M}", f"{after:%H:%M}")


def test_page_that_nobody_looks_at_is_told_nothing_and_is_right_once_it_is_seen(bench: Bench, page: Page) -> None:
    open_live(page, bench.address("machine"))
    page.clock.install()

    look(page, is_hidden=True)
    bench.reader_falls_silent()
    bench.something_happens()
    page.wait_for_timeout(2_000)
    page.clock.fast_forward(2 * SILENCE_MS)
    page.wait_for_timeout(500)
    meanwhile = page.locator("#live").inner_text(), notice(page).is_hidden()
    look(page, is_hidden=False)

    expect(page.locator("#live")).to_contain_text("No news", timeout=BACK_MS)
    expect(notice(page)).to_be_hidden()
    assert ("No news" in meanwhile[0], meanwhile[1]) == (False, True)


def test_windows_that_nobody_looks_at_leave_the_site_to_others(bench: Bench, context: BrowserContext) -> None:
    for _ in range(CONNECTIONS_MOST):
        other = context.new_page()
        other.goto(bench.address("machine"))
        look(other, is_hidden=True)

    page = context.new_page()
    page.goto(bench.address("machine"), timeout=BACK_MS)

    expect(page.locator("#live")).to_be_visible()


def test_page_that_follows_no_machine_asks_for_no_news(bench: Bench, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto(f"{bench.url}/me/")

    assert any(url.endswith(".js") for url in asked)
    assert [url for url in asked if "/live/" in url] == []
