"""The kiosk in a real browser: a card reader types, the screen warns and resets; narrow, and without script."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, Route

from fablab.kiosk_session import COOKIE
from people.access import issue_code
from people.models import Role
from tests.api.web import Web, environment, url_of_test_database
from tests.browsing import required_browser
from tests.factories import make_machine, make_person, make_site, make_staff

pytestmark = [
    pytest.mark.serial,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    "resultTypes": ["violations"],
}
PAGES = ("/kiosk/", "/kiosk/card/", "/kiosk/free/", "/kiosk/today/", "/kiosk/help/", "/kiosk/still-here/")


class Entrance:
    """A lab with a machine, an enrolled screen and a member who was given a code, served by a process of its own.

    All of it is made before the browser runs, whose loop would give Django another connection.
    """

    def __init__(self, web: Web, idle_min: int):
        self.url = f"http://127.0.0.1:{web.port}"
        site = make_site(name="Riverside", phone="02 40 00 00 00")
        manager = make_staff(site=site, role=Role.FAB_MANAGER)
        make_machine(site=site, name="Laser 7")
        member = make_person(first_name="Zoé", language="en")
        self.card = member.card_code
        self.code = issue_code(person=member, by=manager, now=timezone.now())
        client = Client()
        client.force_login(manager, backend="people.sign_in_backends.PersonBackend")
        form = {"name": "Door", "kind": "kiosk", "site": site.pk, "idle_min": idle_min, "machine": ""}
        client.post("/manage/kiosks/enrol/", form)
        self.cookie = client.cookies[COOKIE].coded_value

    def page(self, context: BrowserContext) -> Page:
        """A page of this browser, made the enrolled screen."""
        context.add_cookies([{"name": COOKIE, "value": self.cookie, "url": self.url}])
        return context.new_page()

    def sign_in(self, page: Page) -> None:
        """As a reader does: the card, Enter; then the code, Enter."""
        page.goto(f"{self.url}/kiosk/")
        page.get_by_role("link", name="I have a card").click()
        page.locator("#id_card:focus").wait_for()
        page.keyboard.type(self.card)
        page.keyboard.press("Enter")
        page.locator("#id_code:focus").wait_for()
        page.keyboard.type(self.code)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Hello Zoé").wait_for()


@pytest.fixture
def entrance(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Entrance]:
    env = environment(url_of_test_database(), tmp_path, SECRET_KEY=settings.SECRET_KEY)
    with Web(env, tmp_path / "web.log") as web:
        yield Entrance(web, idle_min=getattr(request, "param", 10))


@pytest.fixture
def browser(entrance: Entrance) -> Iterator[Browser]:
    with required_browser() as running:
        yield running


def test_reader_types_the_card_and_the_screen_warns_then_resets(entrance, browser):
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 860})
    page = entrance.page(context)
    entrance.sign_in(page)
    page.clock.install()
    page.goto(f"{entrance.url}/kiosk/mine/")

    page.clock.fast_forward("09:05")
    warning = page.get_by_role("dialog", name="Are you still there?")
    warning.wait_for()
    page.keyboard.press("Enter")
    warning.wait_for(state="hidden")
    page.clock.fast_forward("08:00")
    was_quiet = not warning.is_visible()
    page.clock.fast_forward("01:05")
    warning.wait_for()
    page.clock.fast_forward("01:00")

    page.wait_for_url("**/kiosk/?ended=idle")
    page.goto(f"{entrance.url}/me/")
    assert was_quiet
    assert "/accounts/login/" in page.url
    context.close()


def test_screen_leaves_its_page_only_for_one_that_is_there(entrance, browser):
    """While the server begins anew, a screen without an address bar must not end on an error page."""
    context = browser.new_context(locale="en-GB")
    page = entrance.page(context)
    page.clock.install()
    page.goto(f"{entrance.url}/kiosk/today/")
    page.route("**/healthz", lambda route: route.fulfill(status=502, body="Bad gateway"))

    with page.expect_response("**/healthz"):
        page.clock.fast_forward("10:01")
    page.wait_for_timeout(300)
    stayed = page.url
    page.unroute("**/healthz")
    page.clock.fast_forward("00:06")

    page.wait_for_url("**/kiosk/?ended=reset")
    assert stayed.endswith("/kiosk/today/")
    context.close()


def test_server_that_begins_anew_throws_nobody_out_and_shows_nothing_meanwhile(entrance, browser):
    context = browser.new_context(locale="en-GB")
    page = entrance.page(context)
    entrance.sign_in(page)
    page.clock.install()
    page.goto(f"{entrance.url}/kiosk/mine/")
    shown = []

    def down(route: Route) -> None:
        shown.append("cookie" in route.request.all_headers())
        route.fulfill(status=502, body="Bad gateway")

    page.route("**/kiosk/still-here/**", down)
    page.route("**/healthz", down)

    page.clock.fast_forward("00:30")
    with page.expect_response("**/kiosk/still-here/**"):
        page.mouse.click(5, 5)
    page.wait_for_timeout(300)
    is_at_work = page.get_by_role("heading", name="Hello Zoé").is_visible()
    with page.expect_response("**/healthz"):
        page.clock.fast_forward("10:01")
    page.wait_for_timeout(300)
    is_hidden = not page.get_by_role("heading", name="Hello Zoé").is_visible()
    page.unroute("**/healthz")
    page.clock.fast_forward("00:06")

    page.wait_for_url("**/kiosk/?ended=idle")
    assert (is_at_work, is_hidden) == (True, True)
    assert shown == [True, False], "only the first is asked as somebody"
    context.close()


@pytest.mark.parametrize("entrance", [1], indirect=True)
def test_screen_without_script_asks_and_forgets_too(entrance, browser):
    context = browser.new_context(locale="en-GB", java_script_enabled=False)
    page = entrance.page(context)
    entrance.sign_in(page)

    page.wait_for_url("**/kiosk/still-here/**", timeout=45_000)
    page.get_by_role("button", name="Yes, go on").click()

    page.wait_for_url("**/kiosk/mine/")
    assert page.get_by_role("heading", name="Hello Zoé").is_visible()
    context.close()


@pytest.mark.parametrize("locale", ["fr-FR", "en-GB"])
def test_pages_are_clean_and_fit_the_narrowest_screen(entrance, browser, locale):
    context = browser.new_context(locale=locale, viewport={"width": 320, "height": 640}, color_scheme="dark")
    page, found = entrance.page(context), []

    for path in PAGES:
        page.goto(f"{entrance.url}{path}")
        for violation in Axe().run(page, options=RULES).response["violations"]:
            found += [f"{path} {violation['id']}: {node['html'][:90]}" for node in violation["nodes"]]
        width = page.evaluate("document.documentElement.scrollWidth")
        found += [f"{path} is {width} px wide"] if width > 320 else []

    assert found == []
    context.close()
