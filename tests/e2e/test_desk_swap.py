"""The desk asks for its live part every half a minute: what the team is doing there stays under their hands."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from people.models import Role
from people.visits import arrive
from reservations.desk import reserve_at_desk
from tests.api.web import Web, environment, url_of_test_database
from tests.chromium import chromium_path, running_browser
from tests.conftest import skip_or_fail
from tests.factories import give_role, make_machine, make_person, make_site, make_staff

pytestmark = [
    pytest.mark.serial,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]

ROUND_MS = 30_000


@dataclass(frozen=True)
class Desk:
    """The desk in a browser, with somebody who is here and a reservation that may be cancelled."""

    page: Page

    def swap(self) -> bool:
        """Let half a minute pass; whether the live part is a new one."""
        self.page.evaluate("document.getElementById('desk-live').dataset.seen = 'yes'")
        with self.page.expect_response(lambda answer: answer.request.headers.get("hx-request") == "true") as asked:
            self.page.clock.fast_forward(ROUND_MS + 500)
        asked.value.finished()
        self.page.wait_for_timeout(500)
        return bool(self.page.evaluate("document.getElementById('desk-live').dataset.seen === undefined"))

    def focused(self) -> str:
        return str(self.page.evaluate("document.activeElement.id"))


def without_ids(html: str) -> str:
    return re.sub(r' id="(?!desk-)[^"]*"', "", html)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """All rows are made before the browser runs, whose loop would give Django another connection."""
    now, site = timezone.now(), make_site(name="Riverside")
    mediator = make_staff(site=site, role=Role.MEDIATOR)
    guest = make_person(first_name="Odette", last_name="Renard")
    give_role(person=guest, site=site)
    arrive(site=site, person=guest, by=mediator, now=now)
    start = now.replace(minute=0, second=0, microsecond=0) + dt.timedelta(hours=2)
    machine, end = make_machine(site=site), start + dt.timedelta(hours=1)
    reserve_at_desk(machine=machine, start=start, end=end, holder=guest, by=mediator, now=now)
    client = Client()
    client.force_login(mediator, backend="people.sign_in_backends.PersonBackend")
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    if chromium_path() is None:
        skip_or_fail("Chromium is not installed: the desk is not looked at (apt-get install chromium).")
    env = environment(url_of_test_database(), tmp_path, SECRET_KEY=settings.SECRET_KEY)
    with Web(env, tmp_path / "web.log") as web, running_browser() as browser:
        url = f"http://127.0.0.1:{web.port}"
        context = browser.new_context(locale="en-GB", base_url=url)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": url}])
        page = context.new_page()
        page.clock.install()
        page.goto("/desk/")
        yield Desk(page)
        context.close()


def test_swap_keeps_what_is_typed_and_where(desk: Desk) -> None:
    desk.page.locator("#count-people summary").press("Enter")
    desk.page.locator("#id_headcount").focus()
    desk.page.keyboard.press("Control+A")
    desk.page.keyboard.type("1")

    was_swapped = desk.swap()
    desk.page.keyboard.type("2")

    assert was_swapped
    assert desk.focused() == "id_headcount"
    assert desk.page.locator("#count-people").get_attribute("open") is not None
    assert desk.page.locator("#id_headcount").input_value() == "12"


def test_swap_keeps_what_was_typed_when_the_hand_is_elsewhere(desk: Desk) -> None:
    desk.page.locator("#count-people summary").press("Enter")
    desk.page.locator("#id_headcount").fill("7")
    desk.page.locator("#desk-q").focus()
    desk.page.keyboard.type("Ode")

    was_swapped = desk.swap()
    desk.page.keyboard.type("tte")

    assert was_swapped
    assert desk.page.locator("#desk-q").input_value() == "Odette"
    assert desk.page.locator("#id_headcount").input_value() == "7"
    assert desk.page.locator("#id_headcount").is_visible()


def test_swap_leaves_the_keyboard_on_the_same_button(desk: Desk) -> None:
    leaves = desk.page.get_by_role("button", name="Leaves – Odette Renard")
    leaves.focus()

    was_swapped = desk.swap()

    assert was_swapped
    expect(leaves).to_be_focused()


def test_swap_leaves_the_keyboard_on_what_has_no_id(desk: Desk) -> None:
    leaves = desk.page.get_by_role("button", name="Leaves – Odette Renard")
    desk.page.evaluate("document.querySelectorAll('#desk-live [id]').forEach((part) => part.removeAttribute('id'))")
    desk.page.route("**/desk/**", lambda route: route.fulfill(body=without_ids(route.fetch().text())))
    leaves.focus()

    was_swapped = desk.swap()

    assert was_swapped
    expect(leaves).to_be_focused()


def test_what_was_said_is_not_said_again(desk: Desk) -> None:
    desk.page.get_by_role("button", name="Leaves – Odette Renard").click()
    line = desk.page.get_by_role("status").filter(has_text="Odette Renard has left.")
    expect(line).to_be_visible()
    first = line.get_attribute("aria-live")

    was_swapped = desk.swap()

    assert was_swapped
    assert (first, line.get_attribute("aria-live")) == (None, "off")


def test_words_written_in_an_open_question_outlast_the_focus(desk: Desk) -> None:
    desk.page.locator(".desk-lines summary").press("Enter")
    desk.page.evaluate(
        "document.querySelector('.desk-lines details[open] form').insertAdjacentHTML('beforeend', '<textarea id=why>')"
    )
    desk.page.locator("#why").fill("The extractor is away")
    desk.page.locator("#desk-q").focus()

    was_swapped = desk.swap()
    desk.page.locator("#why").fill("")
    desk.page.locator("#desk-q").focus()

    assert not was_swapped
    assert desk.swap()


def test_heading_follows_who_is_here(desk: Desk) -> None:
    was = desk.page.locator("h1").inner_text()
    desk.page.evaluate("document.querySelector('h1').textContent = 'Yesterday'")

    was_swapped = desk.swap()

    assert was_swapped
    assert desk.page.locator("h1").inner_text() == was
    assert "one person is here" in was


def test_swap_that_takes_the_button_away_keeps_the_keyboard_at_the_place(desk: Desk) -> None:
    desk.page.get_by_role("button", name="Leaves – Odette Renard").focus()
    desk.page.evaluate("document.activeElement.id = 'leaves-of-a-visit-that-ended'")

    was_swapped = desk.swap()

    assert was_swapped
    assert desk.focused() == "desk-live"


def test_question_being_answered_is_not_swapped_away(desk: Desk) -> None:
    desk.page.locator(".desk-lines summary").press("Enter")
    yes = desk.page.get_by_role("button", name="Yes, cancel it")
    yes.focus()

    was_swapped = desk.swap()
    was_kept = yes.is_visible() and desk.focused().startswith("cancel-yes-")
    desk.page.locator("#desk-q").focus()

    assert (was_swapped, was_kept) == (False, True)
    assert desk.swap()
