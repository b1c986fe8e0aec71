"""The whole story, walked by a person: reserve, check in, print on a real OctoPrint, see the hour counted.

Two walks, French and English, share one print. What needs no print is walked while OctoPrint starts, and while it
prints.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from fablab.demo.accounts import MAKER, MANAGER, MEDIATOR, NEWCOMER, Account
from fablab.demo.lab import BY_SLUG, UNREACHABLE
from tests.e2e.axe import WIDER, look
from tests.e2e.conftest import Lab, wait_for_octoprint
from tests.e2e.played import drawing
from tests.pictures import GROUPS, facts_of, sign_in

pytestmark = pytest.mark.serial

SAMPLES = Path(__file__).resolve().parent.parent / "printing" / "samples"
PRINTER = "prusa-mk4-2"
PRINT_MS = 120_000
# What a device says counts as use once it has lasted some seconds.
LIVE_MS = 60_000
# “2 min” or “1 h 05”, in both languages: nothing measured would be “0 min”.
MEASURED = re.compile(r"^[1-9]\d*\s(s|min|h)\b")
Enter = Callable[[Page, Lab, Account], None]
SESSION = "fablab_session"
# Pages that are not answered with 200: what was asked for is not there, or wrong.
ANSWERS = {"not-found": 404, "find-wrong": 400}


def visitor(browser: Browser, lab: Lab, language: str, **options: object) -> tuple[BrowserContext, Page]:
    """Somebody with an empty browser in a language."""
    locale = {"fr": "fr-FR", "en": "en-GB"}[language]
    context = browser.new_context(locale=locale, base_url=lab.url, **options)  # type: ignore[arg-type]
    context.set_default_timeout(20_000)
    return context, context.new_page()


@pytest.fixture(scope="module")
def enter() -> Enter:
    """Signs in: by the form once for each account and language, with the cookie of that time from then on."""
    kept: dict[tuple[str, str], str] = {}

    def enter(page: Page, lab: Lab, account: Account) -> None:
        who = (account.email, page.evaluate("navigator.language"))
        if who in kept:
            page.context.add_cookies([{"name": SESSION, "value": kept[who], "url": lab.url}])
            return
        sign_in(page, lab.url, account.email, account.password)
        kept[who] = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == SESSION)

    return enter


@dataclass(frozen=True)
class Print:
    """A print that has been sent, on the page that shows it. `reservation` is its address."""

    context: BrowserContext
    page: Page
    reservation: str


@pytest.fixture(scope="module")
def sent_print(browser: Browser, lab: Lab, enter: Enter) -> Print:
    """A maker prints, in French."""
    wait_for_octoprint(lab.data_dir)
    context, page = visitor(browser, lab, "fr", viewport={"width": 390, "height": 844})
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    enter(page, lab, MAKER)

    # Reserve in three taps.
    page.goto(f"/reserve/?machine={PRINTER}&minutes=60")
    page.locator(".slots a").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Réserver ce créneau ?")
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_url(re.compile(r"/reservations/\w+/$"))
    reservation = page.url

    # A start within ten minutes may be checked in; later ones are moved to now through "another time".
    check_in = page.locator("form[action$='/check-in/'] button")
    expect(check_in).to_be_visible()
    check_in.click()
    expect(page.locator("#messages")).to_contain_text("Votre arrivée est notée")

    # Send real G-code; its progress is shown, then the print itself.
    page.goto(f"/machines/{PRINTER}/print/")
    page.set_input_files("input[type=file]", SAMPLES / "cube20_small.gcode")
    page.locator("form[data-upload] button[type=submit]").click()
    page.wait_for_url(re.compile(r"/prints/\w+/$"))
    expect(page.locator("h1")).to_have_text("cube20_small.gcode")
    return Print(context, page, reservation)


@pytest.fixture(scope="module")
def french_print(sent_print: Print) -> str:
    """It has been watched to its end; the address of the reservation."""
    page = sent_print.page
    expect(page.locator("#live .state")).to_contain_text("terminée", timeout=PRINT_MS)
    expect(page.locator("#live progress")).to_have_attribute("value", "100")

    # The bed is not clear until somebody says so.
    page.locator("form[action$='/bed-clear/'] button").click()
    expect(page.locator("form[action$='/bed-clear/']")).to_have_count(0)
    sent_print.context.close()
    return sent_print.reservation


def test_reserving_works_without_javascript(browser: Browser, lab: Lab) -> None:
    context, page = visitor(browser, lab, "fr", java_script_enabled=False)
    sign_in(page, lab.url, NEWCOMER.email, NEWCOMER.password)

    page.goto("/reserve/?machine=laptop-03&minutes=60")
    page.locator(".slots a").first.click()
    page.locator("main form button[type=submit]").last.click()

    expect(page.locator("h1")).to_have_text("ThinkPad 03")
    context.close()


def test_refusal_explains_and_offers_the_next_step(browser: Browser, lab: Lab, enter: Enter) -> None:
    context, page = visitor(browser, lab, "en")
    enter(page, lab, NEWCOMER)

    page.goto(f"/reserve/?machine={PRINTER}&minutes=60")

    expect(page.locator("[data-code=qualification_missing]")).to_be_visible()
    context.close()


def test_keyboard_alone_reserves(browser: Browser, lab: Lab, enter: Enter) -> None:
    context, page = visitor(browser, lab, "en")
    enter(page, lab, MAKER)
    page.goto("/reserve/?machine=laptop-01&minutes=60")

    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('slot-link')"):
            break
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("/reserve/confirm/"))
    context.close()


@pytest.mark.parametrize(
    ("language", "power_w", "unheard", "busy"),
    [("fr", 85, "Sans nouvelles", "Utilisée"), ("en", 77, "No news", "In use")],
    ids=["fr", "en"],
)
def test_power_of_the_agents_arrives_live_on_the_board(
    browser: Browser, lab: Lab, language: str, power_w: int, unheard: str, busy: str
) -> None:
    context, page = visitor(browser, lab, language, viewport={"width": 1600, "height": 900})
    page.goto("/board/")
    tile = page.locator(".tile", has=page.get_by_role("heading", name=BY_SLUG[UNREACHABLE].name))
    expect(tile.locator(".tile-state")).to_have_text(unheard, timeout=LIVE_MS)

    # The board is not loaded anew: what the agent measures comes to it.
    with drawing(lab, power_w):
        expect(tile.locator(".tile-state")).to_have_text(busy, timeout=LIVE_MS)
        expect(tile.locator(".tile-foot")).to_have_text(f"{power_w} W", timeout=LIVE_MS)

    expect(tile.locator(".tile-state")).to_have_text(unheard, timeout=LIVE_MS)
    expect(tile).not_to_contain_text(" W")
    expect(page.locator("#board-lost")).to_be_hidden()
    context.close()


@pytest.mark.parametrize("width", [768, 820, 960])
def test_no_page_of_the_team_is_wider_than_a_tablet(browser: Browser, lab: Lab, enter: Enter, width: int) -> None:
    context, page = visitor(browser, lab, "fr", viewport={"width": width, "height": 1024})
    enter(page, lab, MANAGER)

    wider = {}
    for address in ("/machines/", "/desk/", "/manage/"):
        page.goto(address)
        wider[address] = page.evaluate(WIDER)

    assert wider == dict.fromkeys(wider, 0)
    context.close()


@dataclass
class Hand:
    """A mediator's finger on a tablet: each field filled and each tap is one interaction."""

    page: Page
    count: int = 0

    def fill(self, name: str, text: str) -> None:
        self.page.fill(f"main [name={name}]", text)
        self.count += 1

    def tap(self, target: Locator) -> None:
        target.click()
        self.count += 1


@pytest.mark.parametrize(
    ("language", "first_name", "last_name"), [("fr", "Odette", "Brun"), ("en", "Marcel", "Petitjean")], ids=["fr", "en"]
)
def test_senior_without_email_leaves_the_desk_with_a_ticket(
    browser: Browser, lab: Lab, enter: Enter, language: str, first_name: str, last_name: str
) -> None:
    context, page = visitor(browser, lab, language, viewport={"width": 1024, "height": 768}, has_touch=True)
    enter(page, lab, MEDIATOR)
    page.goto("/desk/")
    hand = Hand(page)

    hand.tap(page.locator("main a[href^='/desk/welcome/']"))
    hand.fill("first_name", first_name)
    hand.fill("last_name", last_name)
    hand.fill("birth_year", "1944")
    hand.tap(page.locator("main form.card button[type=submit]"))
    expect(page.get_by_role("heading", level=1)).to_contain_text(first_name)
    hand.tap(page.locator(".seat button[name=minutes]").first)
    expect(page.locator(".ticket")).to_contain_text(first_name)
    printed = page.request.get(page.locator("a[href$='.pdf']").first.get_attribute("href") or "")
    hand.count += 1

    assert printed.body().startswith(b"%PDF-")
    assert hand.count <= 8
    # The seat is given back, for the walk in the other language.
    page.goto("/desk/")
    page.locator(".seat form[action$='/finish/'] button").first.click()
    context.close()


def test_french_walk_counts_the_measured_time(browser: Browser, lab: Lab, enter: Enter, french_print: str) -> None:
    context, page = visitor(browser, lab, "fr")
    enter(page, lab, MAKER)

    page.goto(french_print)

    expect(page.locator("#measured")).to_have_text(MEASURED)
    expect(page.locator("#live .plain-list li")).not_to_have_count(0)
    page.locator("form[action$='/finish/'] button").click()
    expect(page.locator("#messages")).to_contain_text("Merci")
    context.close()


def test_english_walk_sees_the_same_print_and_reserves_a_laptop(
    browser: Browser, lab: Lab, enter: Enter, french_print: str
) -> None:
    context, page = visitor(browser, lab, "en")
    enter(page, lab, MAKER)

    page.goto(french_print)
    expect(page.get_by_role("heading", name="Measured")).to_be_visible()
    expect(page.locator("#measured")).to_have_text(MEASURED)
    page.locator("a[href^='/prints/']").first.click()
    expect(page.locator("#live .state")).to_have_text("finished")

    page.goto("/reserve/?machine=laptop-03&minutes=60")
    page.locator(".slots a").last.click()
    page.get_by_role("button", name=re.compile("Reserve")).click()
    page.wait_for_url(re.compile(r"/reservations/\w+/$"))
    expect(page.locator("#messages")).to_contain_text("Reserved: ThinkPad 03")
    page.locator("summary", has_text="Cancel").click()
    page.get_by_role("button", name="Yes, cancel it").click()
    expect(page.locator("#messages")).to_contain_text("Cancelled")
    context.close()


@pytest.mark.parametrize("language", ["fr", "en"])
def test_axe_finds_nothing_on_any_page(
    browser: Browser, lab: Lab, enter: Enter, french_print: str, language: str
) -> None:
    # Light and dark are the style sheet's alone: the same page is looked at in both.
    narrow = {"width": 390, "height": 844}
    context, page = visitor(browser, lab, language, reduced_motion="reduce", viewport=narrow)
    found = []
    for pages, account in GROUPS:
        if account is not None:
            context.clear_cookies(name=SESSION)
            enter(page, lab, account)
        facts = facts_of(page, lab.url, account)
        addresses = {name: address.format(**facts) for name, address in pages.items()}
        # Where the demo lacks something, its page would be another one of the list.
        known = [*addresses.values()]
        found += [f"{name} is another page: {url}" for name, url in addresses.items() if known.count(url) > 1]
        for name, address in addresses.items():
            found += misled(name, page, address)
            for theme in ("light", "dark"):
                page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
                found += [f"{name}, {theme}: {fault}" for fault in faults_of(page)]

    assert found == []
    context.close()


def misled(name: str, page: Page, address: str) -> list[str]:
    """What was shown in the place of the page: a sign-in or a refusal is quickly found accessible."""
    answer = page.goto(address)
    there = urlsplit(page.url).path
    status = answer.status if answer else None
    faults = [] if status == ANSWERS.get(name, 200) else [f"{name}: answered {status}"]
    return faults + ([] if there == urlsplit(address).path else [f"{name}: led to {there}"])


def faults_of(page: Page) -> list[str]:
    """What axe finds, and how much wider than the screen it is."""
    faults, width = look(page)
    return [*faults, *([f"{width} px wider than the screen"] if width > 0 else [])]
