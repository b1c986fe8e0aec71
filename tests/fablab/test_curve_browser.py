"""The curve of a device in a real browser: looked into with mouse and keyboard, followed live; without script, narrow,
at night."""

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect

from fablab.lib.live import announce_machines
from iot.models import Device, Reading, ReadingKind
from people.models import Role
from tests.api.web import Web, environment, url_of_test_database
from tests.browsing import in_thread, required_browser, violations
from tests.fablab.settings_pages import BACKEND
from tests.factories import make_machine, make_site, make_staff

pytestmark = [
    pytest.mark.serial,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}
WIDE = {"width": 1280, "height": 1000}
SPANS = ("hour", "day", "week", "month")


class Bench:
    """A laser with a plug that worked half of the last hour, with ten minutes of silence; and a manager's browser."""

    def __init__(self, web: Web):
        self.url = f"http://127.0.0.1:{web.port}"
        site = make_site(name="Riverside")
        self.now, self.count = timezone.now(), 0
        self.machine = make_machine(site=site, name="Laser 7")
        self.device = Device.objects.create(
            slug="laser-7", machine=self.machine, is_online=True, last_seen_at=self.now,
            busy_w=150, idle_w=60,
        )  # fmt: skip
        seconds = [s for s in range(0, 3600, 10) if not 2000 < s < 2600]
        self.measure({self.now - dt.timedelta(seconds=s): 30.0 if s > 1800 else 400.0 for s in seconds})
        self.measure({self.now - dt.timedelta(hours=hours): 200.0 for hours in (20, 100, 500)})
        client = Client()
        client.force_login(make_staff(site=site, role=Role.FAB_MANAGER), backend=BACKEND)
        self.session = client.cookies[settings.SESSION_COOKIE_NAME].value

    def measure(self, values: dict[dt.datetime, float]) -> None:
        rows = []
        for at, value in sorted(values.items()):
            self.count += 1
            rows.append(
                Reading(
                    device=self.device, boot="b", seq=self.count, index=0, kind=ReadingKind.POWER_W, at=at, value=value
                )
            )
        Reading.objects.bulk_create(rows)

    def comes(self, power_w: float) -> None:
        """A new value is stored and told, as ingest does."""

        def store() -> None:
            self.measure({timezone.now(): power_w})
            announce_machines([self.machine.pk])

        in_thread(store)

    def open(self, context: BrowserContext, span: str = "hour") -> Page:
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": self.session, "url": self.url}])
        page = context.new_page()
        page.goto(f"{self.url}/manage/devices/laser-7/?span={span}")
        return page


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    env = environment(url_of_test_database(), tmp_path, SECRET_KEY=settings.SECRET_KEY)
    with Web(env, tmp_path / "web.log") as web:
        yield Bench(web)


@pytest.fixture
def browser(bench: Bench) -> Iterator[Browser]:
    with required_browser() as running:
        yield running


def troubles_of(page: Page) -> list[str]:
    """What the browser complains of from now on, such as a rule of the security policy that was broken."""
    found: list[str] = []
    page.on("console", lambda line: found.append(line.text) if line.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def settled_width(page: Page, is_right: Callable[[float], bool]) -> float:
    """Of the drawn curve, once it is right; the security policy bars the browser's own waiting for a condition."""
    width = 0.0
    for _ in range(100):
        width = page.locator(".curve-drawn canvas").bounding_box()["width"]
        if is_right(width):
            break
        page.wait_for_timeout(20)
    return width


def shown(page: Page) -> tuple[int, int]:
    """From when to when the curve shows, in seconds."""
    first, last = page.locator("[data-curve]").get_attribute("data-shown").split()
    return int(first), int(last)


def test_curve_is_looked_into_by_keyboard_and_mouse(bench, browser):
    context = browser.new_context(locale="en-GB", viewport=WIDE)
    page = bench.open(context)
    troubles = troubles_of(page)
    page.reload()
    page.locator(".curve-drawn canvas").wait_for()
    said, cursor = page.locator("[data-curve-said]"), page.locator("[data-curve-cursor]")
    whole, words = shown(page), [said.inner_text()]

    cursor.focus()
    page.keyboard.press("Home")
    words += [said.inner_text(), cursor.get_attribute("aria-valuetext")]
    page.get_by_role("button", name="Closer").press("Enter")
    near = shown(page)
    status = page.locator("[data-curve-shown]").inner_text()
    page.get_by_role("button", name="Further on").press("Enter")
    later = shown(page)
    page.get_by_role("button", name="All of it").press("Enter")
    again = shown(page)
    box = page.locator(".curve-drawn .u-over").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.39, box["y"] + 50)
    words.append(said.inner_text())
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 50, steps=5)
    page.mouse.up()
    drawn = shown(page)
    context.close()

    assert troubles == []
    assert whole[1] - whole[0] == 3600
    assert words[0].endswith("400 W, above the line “in use”")
    assert words[1].endswith("30 W, below the line “idle”")
    assert words[1] == words[2]
    assert words[3].endswith("nothing was measured")
    assert (near[1] - near[0], near[0]) == (1800, whole[0])
    assert status.startswith("Shown: ")
    assert later == (near[0] + 900, near[1] + 900)
    assert again == whole
    assert 300 < drawn[1] - drawn[0] < 420


def test_new_values_come_by_themselves_and_leave_what_is_looked_at(bench, browser):
    context = browser.new_context(locale="en-GB", viewport=WIDE)
    page = bench.open(context)
    page.locator(".curve-drawn canvas").wait_for()
    page.locator("#power-table summary").click()
    page.get_by_role("button", name="Closer").click()
    near, before = shown(page), page.locator("[data-curve]").get_attribute("data-values")

    bench.comes(1234)
    page.locator("#power-table td", has_text="1234").wait_for()
    page.locator(f"[data-curve]:not([data-values='{before}'])").wait_for()
    after = shown(page)
    page.get_by_role("button", name="All of it").click()
    newest = page.locator("[data-curve-said]").inner_text()
    is_open = page.locator("#power-table").evaluate("details => details.open")
    context.close()

    assert after == near
    assert "1,234 W" in newest
    assert is_open


@pytest.mark.parametrize("locale", ["fr-FR", "en-GB"])
def test_every_span_is_clean_at_night_and_on_the_narrowest_screen(bench, browser, locale):
    found = []
    for options in ({"viewport": {"width": 320, "height": 640}, "color_scheme": "dark"}, {"viewport": WIDE}):
        context = browser.new_context(locale=locale, **options)
        for span in SPANS:
            page = bench.open(context, span)
            page.locator(".curve-drawn canvas").wait_for()
            page.locator("#power-table summary").click()
            found += violations(page, RULES)
            width = page.evaluate("document.documentElement.scrollWidth")
            found += [f"{span} is {width} px wide"] if width > options["viewport"]["width"] else []
            page.close()
        context.close()

    assert found == []


def test_curve_follows_the_width_and_the_colours(bench, browser):
    context = browser.new_context(locale="en-GB", viewport=WIDE, color_scheme="light")
    page = bench.open(context)
    canvas = page.locator(".curve-drawn canvas")
    canvas.wait_for()
    wide, light = canvas.bounding_box()["width"], canvas.screenshot()

    page.set_viewport_size({"width": 320, "height": 640})
    narrow = settled_width(page, lambda width: width < 300)
    page.set_viewport_size(WIDE)
    settled_width(page, lambda width: width == wide)
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(200)
    dark = canvas.screenshot()
    context.close()

    assert narrow < 300 < wide
    assert light != dark


@pytest.mark.parametrize("span", SPANS)
def test_without_script_there_are_the_picture_the_links_and_the_table(bench, browser, span):
    context = browser.new_context(locale="en-GB", java_script_enabled=False, viewport={"width": 320, "height": 640})
    page = bench.open(context)

    page.locator(f"[data-curve] nav a[href*='span={span}']").click()
    page.wait_for_url(f"**span={span}**")

    expect(page.locator("[data-curve] svg.curve")).to_be_visible()
    expect(page.locator("[data-curve-tools]")).to_be_hidden()
    page.locator("#power-table summary").click()
    expect(page.locator("#power-table td", has_text="400").first).to_be_visible()
    context.close()
