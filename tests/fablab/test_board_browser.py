"""The wall board in a real browser: nobody stands before it, so it outlives its server and shows what is there now."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, Request, Route, expect

from fablab.lib.live import announce_machines
from machines.models import Machine
from people.models import Site
from tests.api.web import Web, environment, url_of_test_database
from tests.browsing import in_thread, required_browser
from tests.fablab.live_bench import BACK_MS, SILENCE_MS, Bench
from tests.factories import make_machine
from tests.iot.shaky_network import ShakyNetwork

pytestmark = [
    pytest.mark.serial,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]

LIVE = "**/live/**"
# As it is loaded, and as it asks for itself.
BOARD = re.compile(r"/board/(\?again=1)?$")
# Longer than the board waits before it asks for its page again.
ANEW_MS = 181_000


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
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.clock.install()
    yield page
    context.close()


def tile(page: Page, name: str) -> Locator:
    return page.get_by_role("article", name=name)


def lost(page: Page) -> Locator:
    return page.locator("#board-lost")


def hang(bench: Bench, page: Page) -> None:
    """On the wall, until its stream has begun."""
    with page.expect_response(LIVE):
        page.goto(bench.address("board"))
    expect(lost(page)).to_be_hidden()


def refuse(page: Page, address: str | re.Pattern[str], status: int) -> None:
    page.route(address, lambda route: route.fulfill(status=status, body="<h1>Bad gateway</h1>"))


def a_machine_comes(bench: Bench, name: str, *, is_told: bool) -> None:
    def come() -> None:
        machine = make_machine(site=bench.site, name=name)
        if is_told:
            announce_machines([machine.pk])

    in_thread(come)


def test_wall_hangs_on_while_its_server_is_away_and_is_right_once_it_is_back(bench: Bench, page: Page) -> None:
    hang(bench, page)

    for address in (LIVE, BOARD):
        refuse(page, address, 502)
    bench.line.cut()
    bench.line.mend()
    expect(lost(page)).to_be_visible()
    for _ in range(3):
        page.clock.fast_forward(15_000)
        page.wait_for_timeout(500)
    expect(tile(page, "Laser 7")).to_be_visible()
    expect(lost(page)).to_be_visible()
    bench.reader_falls_silent()
    page.unroute_all()
    page.clock.fast_forward(SILENCE_MS)

    expect(lost(page)).to_be_hidden(timeout=BACK_MS)
    expect(tile(page, "Laser 7")).to_contain_text("No news", timeout=BACK_MS)


def test_wall_that_is_refused_a_line_does_not_load_itself_again_and_again(bench: Bench, page: Page) -> None:
    loads: list[str] = []
    page.on("load", lambda page: loads.append(page.url))
    refuse(page, LIVE, 503)
    page.goto(bench.address("board"))
    expect(lost(page)).to_be_visible()

    for _ in range(4):
        page.clock.fast_forward(10_000)
        page.wait_for_timeout(500)
    page.unroute_all()
    page.clock.fast_forward(SILENCE_MS)

    expect(lost(page)).to_be_hidden(timeout=BACK_MS)
    assert len(loads) == 1


def test_wall_calls_again_when_its_line_is_dead_and_not_broken(bench: Bench, page: Page) -> None:
    hang(bench, page)

    bench.line.hold()
    with page.expect_request(LIVE):
        page.clock.fast_forward(SILENCE_MS)
    expect(lost(page)).to_be_visible()
    bench.line.mend()

    expect(lost(page)).to_be_hidden(timeout=BACK_MS)


def test_machine_that_is_new_comes_to_the_wall_with_its_first_news(bench: Bench, page: Page) -> None:
    hang(bench, page)

    a_machine_comes(bench, "Lathe", is_told=True)

    expect(tile(page, "Lathe")).to_be_visible(timeout=BACK_MS)
    expect(tile(page, "Laser 7")).to_be_visible()


def test_wall_asks_for_what_no_news_tells(bench: Bench, page: Page) -> None:
    # On a line that says nothing, so that nothing else brings it.
    mute = {"content_type": "text/event-stream", "body": "retry: 600000\n\n"}
    page.route(LIVE, lambda route: route.fulfill(**mute))
    page.goto(bench.address("board"))
    words = page.locator("[data-board-part=open]")
    before = words.inner_text()

    def times_change() -> None:
        Site.objects.get().opening_hours.all().delete()
        Machine.objects.update(retired_at=timezone.now())

    in_thread(times_change)
    a_machine_comes(bench, "Lathe", is_told=False)
    page.clock.fast_forward(ANEW_MS)

    expect(tile(page, "Lathe")).to_be_visible(timeout=BACK_MS)
    expect(tile(page, "Laser 7")).to_have_count(0)
    expect(words).to_have_text("Closed")
    assert before != "Closed"


def test_paused_wall_stands_still_and_is_right_when_it_goes_on(bench: Bench, page: Page) -> None:
    hang(bench, page)
    pause = page.get_by_role("button", name="Pause")
    pause.click()

    bench.reader_falls_silent()
    bench.something_happens()
    a_machine_comes(bench, "Lathe", is_told=True)
    page.wait_for_timeout(2_000)
    page.clock.fast_forward(ANEW_MS)
    page.wait_for_timeout(1_000)
    meanwhile = tile(page, "Laser 7").inner_text(), tile(page, "Lathe").count()
    pause.click()

    expect(tile(page, "Laser 7")).to_contain_text("No news", timeout=BACK_MS)
    expect(tile(page, "Lathe")).to_be_visible(timeout=BACK_MS)
    expect(pause).to_be_focused()
    assert ("No news" in meanwhile[0], meanwhile[1]) == (False, 0)


def test_wall_loads_another_release_once(bench: Bench, page: Page) -> None:
    pages: list[Request] = []
    page.on("request", lambda request: pages.append(request) if request.is_navigation_request() else None)
    hang(bench, page)

    def newer(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("board.js", "board.js?newer"))

    page.route(BOARD, newer)
    page.clock.fast_forward(ANEW_MS)
    page.locator("script[src*=newer]").wait_for(state="attached", timeout=BACK_MS)
    page.clock.fast_forward(ANEW_MS)
    page.wait_for_timeout(2_000)

    expect(tile(page, "Laser 7")).to_be_visible()
    assert len(pages) == 2
