"""The timeline in a real browser: reserve, be refused, move and undo by dragging; without script, narrow, at night."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from django.utils.translation import gettext, override
from playwright.sync_api import Browser, BrowserContext, FloatRect, Locator, Page

from fablab.timeline_axis import day_of
from people.models import Role
from tests.api.lab import hold
from tests.api.web import Web, environment, url_of_test_database
from tests.browsing import required_browser, violations
from tests.fablab.settings_pages import BACKEND
from tests.factories import every_day, give_role, make_category, make_machine, make_person, make_site

pytestmark = [
    pytest.mark.serial,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}
WIDE, PARIS = {"width": 1280, "height": 1000}, ZoneInfo("Europe/Paris")
# Nobody's clock here is the lab's.
FAR_AWAY = "America/New_York"
SENTENCES = {
    "reserved": "Reserved: %(machine)s, %(moment)s.",
    "moved": "Moved: %(machine)s, %(moment)s.",
    "undo": "Undo",
    "undone": "Undone.",
    "busy": "taken",
}
LANGUAGE = {"fr-FR": "fr", "en-GB": "en"}


def words_in(locale: str) -> dict[str, str]:
    """How each sentence begins in the language."""
    with override(LANGUAGE[locale]):
        return {name: gettext(text).partition("%")[0].strip() for name, text in SENTENCES.items()}


class Workshop:
    """A lab with two machines, open from 10 to 19; a member who holds one hour, and somebody else's two."""

    def __init__(self, web: Web):
        self.url = f"http://127.0.0.1:{web.port}"
        site = make_site(name="Riverside", hours=every_day("10:00", "19:00"))
        category = make_category()
        self.laser = make_machine(site=site, name="Laser 7", category=category)
        self.lathe = make_machine(site=site, name="Lathe", category=category)
        self.day = timezone.now().astimezone(PARIS).date() + dt.timedelta(days=3)
        other = make_person(first_name="Zorobabel")
        member = make_person(first_name="Ines")
        for person in (other, member):
            give_role(person=person, site=site, role=Role.MEMBER)
        hold(self.laser, other, self.at(14), self.at(16))
        self.mine = hold(self.lathe, member, self.at(17), self.at(18)).reference
        client = Client()
        client.force_login(member, backend=BACKEND)
        self.session = client.cookies[settings.SESSION_COOKIE_NAME].value

    def at(self, hour: float) -> dt.datetime:
        return day_of(self.day, PARIS).start + dt.timedelta(hours=hour)

    def open(self, context: BrowserContext, query: str = "") -> Page:
        """The member's page of the day, drawn."""
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": self.session, "url": self.url}])
        page = context.new_page()
        page.goto(f"{self.url}/timeline/?day={self.day}{query}")
        page.locator("[data-timeline][data-drawn]").wait_for()
        return page

    def mine_by_api(self, context: BrowserContext) -> dict[str, tuple[str, dt.datetime, dt.datetime]]:
        """`{reference: (status, start, end)}` of the member, oldest first: the browser's loop bars the database."""
        rows = context.request.get(f"{self.url}/api/v1/reservations/").json()["results"]
        when = dt.datetime.fromisoformat
        return {row["reference"]: (row["status"], when(row["start"]), when(row["end"])) for row in rows}


def box_of(thing: Locator) -> FloatRect:
    """Where it is; while the calendar draws itself anew, for a moment it is nowhere."""
    for _ in range(100):
        thing.wait_for()
        if (box := thing.bounding_box()) is not None:
            return box
        thing.page.wait_for_timeout(20)
    raise AssertionError(f"{thing} is drawn nowhere")


class Drawing:
    """Where things are on the drawn day, and a hand that drags."""

    def __init__(self, page: Page):
        self.page = page

    def spot(self, machine: int, hour: float) -> tuple[float, float]:
        """The middle of a machine's line at this hour of the clock; lines are counted from 0."""
        label = box_of(self.page.locator(".timeline-place .ec-row-head").nth(machine))
        first = box_of(self.page.locator(".timeline-place .ec-slots").first)
        return first["x"] + (hour - 10) / 9 * first["width"] + 2, label["y"] + label["height"] - 8

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down()
        mouse.move(start[0] + 12, start[1], steps=3)
        mouse.move(*end, steps=12)
        mouse.up()

    def mine(self, reference: str) -> Locator:
        return self.page.locator(f".ec-event:has(a[href*='{reference}'])")

    def move(self, reference: str, hours: float) -> None:
        box = box_of(self.mine(reference))
        first = box_of(self.page.locator(".timeline-place .ec-slots").first)
        start = (box["x"] + box["width"] / 2, box["y"] + box["height"] - 6)
        self.drag(start, (start[0] + hours / 9 * first["width"], start[1]))


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    env = environment(url_of_test_database(), tmp_path, SECRET_KEY=settings.SECRET_KEY)
    with Web(env, tmp_path / "web.log") as web:
        yield Workshop(web)


@pytest.fixture
def browser(workshop: Workshop) -> Iterator[Browser]:
    with required_browser() as running:
        yield running


@pytest.mark.parametrize("locale", ["fr-FR", "en-GB"])
def test_dragging_reserves_is_refused_and_moves_with_a_way_back(workshop, browser, locale):
    words, lab = words_in(locale), workshop
    context = browser.new_context(locale=locale, viewport=WIDE, timezone_id=FAR_AWAY)
    page = lab.open(context)
    troubles: list[str] = []
    page.on("console", lambda line: troubles.append(line.text) if "Content Security" in line.text else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    drawing, said = Drawing(page), page.locator("[data-timeline-said]")
    seen = [*violations(page, RULES)]

    drawing.drag(drawing.spot(0, 10.5), drawing.spot(0, 11.9))
    said.get_by_text(words["reserved"]).wait_for()
    page.locator("[data-drawn='3']").wait_for()
    said.get_by_role("button", name=words["undo"]).click()
    said.get_by_text(words["undone"]).wait_for()
    page.locator("[data-drawn='2']").wait_for()

    drawing.move(lab.mine, -2)
    said.get_by_text(words["moved"]).wait_for()
    page.locator(f".ec-event:has(a[href*='{lab.mine}']):has-text('15:00')").wait_for()
    said.get_by_role("button", name=words["undo"]).click()
    said.get_by_text(words["undone"]).wait_for()
    page.locator(f".ec-event:has(a[href*='{lab.mine}']):has-text('17:00')").wait_for()

    # Over the time of somebody else: every reason, another time, and nothing changed.
    drawing.drag(drawing.spot(0, 13), drawing.spot(0, 14.9))
    refusal = page.locator("[data-timeline-refusal]")
    refusal.wait_for()
    reasons = refusal.locator("[data-denials] li").all_inner_texts()
    seen += violations(page, RULES)
    refusal.locator("[data-close]").click()
    drawn_after_refusal = page.locator(".timeline-place .ec-event:not(.ec-ghost, .ec-preview)").count()

    drawing.drag(drawing.spot(0, 13), drawing.spot(0, 14.9))
    refusal.locator("[data-alternatives] button").first.click()
    said.get_by_text(words["reserved"]).wait_for()
    page.locator("[data-drawn='3']").wait_for()

    found = lab.mine_by_api(context)
    context.close()
    cancelled, instead = (row for reference, row in found.items() if reference != lab.mine)
    assert (seen, troubles) == ([], [])
    assert len(reasons) == 1
    assert drawn_after_refusal == 2
    assert found[lab.mine] == ("confirmed", lab.at(17), lab.at(18))
    assert cancelled == ("cancelled", lab.at(10.5), lab.at(12))
    assert (instead[0], instead[2] - instead[1]) == ("confirmed", dt.timedelta(hours=2))


def test_move_onto_taken_time_is_undone_and_nothing_of_others_can_be_dragged(workshop, browser):
    context = browser.new_context(locale="en-GB", viewport=WIDE, timezone_id=FAR_AWAY)
    page = workshop.open(context)
    drawing = Drawing(page)
    others = page.locator(".timeline-place .ec-event.is-taken")
    is_draggable = others.evaluate("event => event.classList.contains('ec-draggable')")

    start = drawing.mine(workshop.mine).bounding_box()
    assert start
    begin = (start["x"] + start["width"] / 2, start["y"] + start["height"] - 6)
    drawing.drag(begin, drawing.spot(0, 15))
    page.locator("[data-timeline-refusal]").wait_for()
    back = drawing.mine(workshop.mine).bounding_box()
    assert back
    look = page.locator("[data-look]").get_attribute("href")

    found = workshop.mine_by_api(context)
    context.close()
    assert is_draggable is False
    assert (round(back["x"]), round(back["y"])) == (round(start["x"]), round(start["y"]))
    assert f"moving={workshop.mine}" in look
    assert found == {workshop.mine: ("confirmed", workshop.at(17), workshop.at(18))}


@pytest.mark.parametrize("locale", ["fr-FR", "en-GB"])
def test_words_are_whole_without_script_and_on_a_phone(workshop, browser, locale):
    seen = []
    for options in ({"java_script_enabled": False, "viewport": WIDE}, {"viewport": {"width": 320, "height": 640}}):
        context = browser.new_context(locale=locale, **options)
        page = context.new_page()
        page.goto(f"{workshop.url}/timeline/?day={workshop.day}")
        words = page.locator(".timeline-words").inner_text()
        seen.append("14:00 – 16:00" in words and words_in(locale)["busy"] in words)
        seen.append(not page.locator("[data-timeline]").is_visible())
        seen.append(page.locator(".timeline-words a[href*='/reserve/']").count() == 4)
        if "java_script_enabled" not in options:
            seen.append(page.evaluate("document.documentElement.scrollWidth") <= 320)
            seen.append(violations(page, RULES) == [])
        context.close()

    assert seen == [True] * 8


@pytest.mark.parametrize("query", ["&view=week", "&view=week&machine=LASER"])
def test_week_is_drawn_and_clean(workshop, browser, query):
    context = browser.new_context(locale="en-GB", viewport=WIDE, timezone_id=FAR_AWAY)

    page = workshop.open(context, query.replace("LASER", workshop.laser.slug))
    page.locator(".timeline-place .ec-event.is-taken").wait_for()

    assert violations(page, RULES) == []
    context.close()


@pytest.mark.parametrize("view", ["day", "week"])
def test_sheet_of_paper_is_one(workshop, browser, view, tmp_path):
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.goto(f"{workshop.url}/timeline/?day={workshop.day}&view={view}&print=1")

    sheet = page.pdf(prefer_css_page_size=True)

    assert sheet.count(b"/Type /Page\n") == 1
    assert b"/MediaBox [0 0 841" in sheet
    context.close()
