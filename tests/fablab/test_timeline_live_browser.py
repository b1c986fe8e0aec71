"""The drawn timeline while others reserve and while the server is away: it asks little, says what it lacks, and takes
nothing out of somebody's hands."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from fablab.lib.live import announce_machines
from machines.models import Machine
from tests.api.lab import hold
from tests.api.web import Web, environment, url_of_test_database
from tests.browsing import in_thread, required_browser
from tests.fablab.live_bench import BACK_MS, look
from tests.fablab.test_timeline_browser import Drawing, Workshop, box_of
from tests.factories import make_person

pytestmark = [
    pytest.mark.serial,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]

LIVE, CALENDAR, RESERVATIONS = "**/live/", "**/api/v1/calendar/?*", "**/api/v1/reservations/**"
# The drawing asks at most once in this time.
GAP_MS = 10_000
NO_ANSWER, STALE = "Nothing was changed.", "What is drawn may be out of date."


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    env = environment(url_of_test_database(), tmp_path, SECRET_KEY=settings.SECRET_KEY)
    with Web(env, tmp_path / "web.log") as web:
        yield Workshop(web)


@pytest.fixture
def browser(workshop: Workshop) -> Iterator[Browser]:
    with required_browser() as running:
        yield running


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 1000})
    yield context
    context.close()


def tell_of(machine: Machine) -> None:
    in_thread(lambda: announce_machines([machine.pk]))


def somebody_reserves(lab: Workshop, machine: Machine, start: int, end: int) -> None:
    in_thread(lambda: hold(machine, make_person(), lab.at(start), lab.at(end)))


def drawn(page: Page, count: int) -> None:
    expect(page.locator("[data-timeline]")).to_have_attribute("data-drawn", str(count), timeout=BACK_MS)


def counted(page: Page) -> list[str]:
    """How often the page asked what is reserved, from now on."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/v1/calendar/" in request.url else None)
    return asked


def said(page: Page) -> Locator:
    return page.locator("[data-timeline-said]")


def undo(page: Page) -> Locator:
    return said(page).get_by_role("button", name="Undo")


def refuse(page: Page, address: str, status: int) -> None:
    page.route(address, lambda route: route.fulfill(status=status, body="<h1>Bad gateway</h1>"))


def open_live(lab: Workshop, context: BrowserContext, query: str = "") -> Page:
    """Drawn, and its stream has begun."""
    page = context.new_page()
    # The browser's noon of that day: the line of now is drawn too.
    page.clock.install(time=lab.at(12))
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": lab.session, "url": lab.url}])
    with page.expect_response(LIVE):
        page.goto(f"{lab.url}/timeline/?day={lab.day}{query}")
    page.locator("[data-timeline][data-drawn]").wait_for()
    return page


def test_line_that_was_refused_is_asked_for_again_and_what_was_missed_is_drawn(workshop, context):
    page = context.new_page()
    page.clock.install()
    refuse(page, LIVE, 502)
    page.goto(f"{workshop.url}/timeline/?day={workshop.day}")
    drawn(page, 2)
    expect(page.locator("[data-live-lost]")).to_be_visible()

    somebody_reserves(workshop, workshop.laser, 11, 12)
    page.unroute_all()
    page.clock.fast_forward(GAP_MS)

    expect(page.locator("[data-live-lost]")).to_be_hidden(timeout=BACK_MS)
    drawn(page, 3)


def test_drawing_asks_for_its_own_machines_and_not_at_each_piece_of_news(workshop, context):
    page = open_live(workshop, context, f"&machine={workshop.laser.slug}")
    asked = counted(page)

    for _ in range(2):
        tell_of(workshop.lathe)
        page.wait_for_timeout(700)
    of_others = len(asked)
    for _ in range(4):
        tell_of(workshop.laser)
        page.wait_for_timeout(700)
    at_once = len(asked)
    page.clock.fast_forward(GAP_MS)
    page.wait_for_timeout(700)
    at_last = len(asked)

    assert (of_others, at_once, at_last) == (0, 1, 2)


def test_drawing_that_nobody_looks_at_asks_nothing_and_once_when_it_is_seen(workshop, context):
    page = open_live(workshop, context)
    asked = counted(page)

    look(page, is_hidden=True)
    somebody_reserves(workshop, workshop.laser, 11, 12)
    tell_of(workshop.laser)
    page.wait_for_timeout(1_500)
    page.clock.fast_forward(10 * GAP_MS)
    page.wait_for_timeout(500)
    unseen = len(asked)
    look(page, is_hidden=False)
    drawn(page, 3)
    page.wait_for_timeout(500)

    expect(page.locator("[data-live-lost]")).to_be_hidden()
    assert (unseen, len(asked)) == (0, 1)


def test_keyboard_stays_where_it_is_while_others_reserve(workshop, context):
    page = open_live(workshop, context)
    mine = page.locator(f".timeline-place a[href*='{workshop.mine}']")
    now = page.locator(".timeline-place .shade-now").first
    before = box_of(now)
    mine.focus()
    mine.evaluate("link => { link.isTheOldOne = true; }")

    page.clock.fast_forward(30 * 60_000)
    with page.expect_response(CALENDAR):
        tell_of(workshop.laser)
    page.wait_for_timeout(500)
    is_the_old_one = mine.evaluate("link => link.isTheOldOne && link === document.activeElement")
    after = box_of(now)
    somebody_reserves(workshop, workshop.laser, 11, 12)
    tell_of(workshop.laser)
    page.wait_for_timeout(700)
    page.clock.fast_forward(GAP_MS)
    drawn(page, 3)

    expect(mine).to_be_focused()
    assert is_the_old_one is True
    assert after["x"] > before["x"]


def test_way_back_outlasts_a_server_that_does_not_answer(workshop, context):
    page = open_live(workshop, context)
    drawing = Drawing(page)
    drawing.drag(drawing.spot(0, 10.5), drawing.spot(0, 11.9))
    said(page).get_by_text("Reserved:").wait_for()
    drawn(page, 3)

    # Not reached, then behind a proxy that finds nobody.
    page.route(RESERVATIONS, lambda route: route.abort())
    undo(page).click()
    expect(said(page)).to_contain_text(NO_ANSWER)
    expect(undo(page)).to_be_enabled()
    page.unroute_all()
    refuse(page, RESERVATIONS, 502)
    with page.expect_response(RESERVATIONS):
        undo(page).click()
    expect(undo(page)).to_be_enabled()
    expect(said(page)).to_contain_text(NO_ANSWER)
    page.unroute_all()
    refuse(page, RESERVATIONS, 401)
    undo(page).click()
    expect(said(page)).to_contain_text("You are not signed in any more.")
    page.unroute_all()
    expect(undo(page)).to_be_enabled()
    undo(page).click()

    expect(said(page).get_by_text("Undone.")).to_be_visible()
    expect(said(page)).not_to_contain_text("signed in")
    drawn(page, 2)


def test_words_of_a_silent_server_go_with_its_next_answer_and_leave_the_way_back(workshop, context):
    page = open_live(workshop, context)
    drawing = Drawing(page)
    drawing.drag(drawing.spot(0, 10.5), drawing.spot(0, 11.9))
    said(page).get_by_text("Reserved:").wait_for()
    drawn(page, 3)

    refuse(page, CALENDAR, 502)
    tell_of(workshop.laser)
    page.wait_for_timeout(700)
    page.clock.fast_forward(GAP_MS)
    expect(said(page)).to_contain_text(STALE)
    expect(undo(page)).to_be_visible()
    page.unroute_all()
    tell_of(workshop.laser)
    page.wait_for_timeout(700)
    page.clock.fast_forward(GAP_MS)

    expect(said(page)).not_to_contain_text(STALE)
    undo(page).click()
    expect(said(page).get_by_text("Undone.")).to_be_visible()
