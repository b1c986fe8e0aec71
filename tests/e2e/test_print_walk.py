"""A print from a file to a clean bed, walked by three people with telephones and no mouse: sent, sent back, let
through, started at the machine, watched, answered, cleared away; then the next one, which its person stops."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from playwright.sync_api import Locator, Page, expect

from printing.models import JobState, Outcome
from tests.api.web import Web
from tests.chromium import chromium_path, running_browser
from tests.conftest import skip_or_fail
from tests.contract.fake_octoprint import FakeOctoPrint
from tests.e2e.print_lab import (
    GCODE,
    PRINT_S,
    Rows,
    Visitor,
    WaitingPrinter,
    lab_environment,
    make_rows,
    phone_of,
    running_worker,
    session_of,
)

pytestmark = [
    pytest.mark.serial,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]

FILE = {"name": "cube.gcode", "mimeType": "application/octet-stream", "buffer": GCODE}
# A worker visits every two to five seconds, and its first visit comes once it has started.
SOON_MS = 30_000
STROKE_S = 10
REASON = "Trop haut ? Too high?"
# From half on.
HALF = re.compile(r"^([5-9]\d|100)$")


@dataclass
class Walk:
    """Three people and the printer."""

    rows: Rows
    printer: WaitingPrinter
    member: Visitor
    other: Visitor
    team: Visitor

    @property
    def faults(self) -> list[str]:
        return self.member.faults + self.other.faults + self.team.faults


@pytest.fixture(params=["fr", "en"])
def walk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Walk]:
    """All rows are made before the browser runs, whose loop would give Django another connection."""
    if chromium_path() is None:
        skip_or_fail("Chromium is not installed: nobody walks through (apt-get install chromium).")
    server = FakeOctoPrint()
    server.printer = WaitingPrinter()
    with pytest.MonkeyPatch.context() as patch, translation.override(request.param):
        patch.setattr(settings, "MEDIA_ROOT", tmp_path / "files")
        rows = make_rows(request.param, server)
        sessions = [session_of(person) for person in (rows.member, rows.other, rows.team)]
        env = lab_environment(tmp_path)
        web = Web(env, tmp_path / "web.log")
        # The worker loads its modules while the web does.
        with running_worker(env, tmp_path / "worker.log"), web, running_browser() as browser:
            url = f"http://127.0.0.1:{web.port}"
            yield Walk(rows, server.printer, *(phone_of(browser, url, each, request.param) for each in sessions))
    server.printer.may_start.set()
    server.stop()


def live(page: Page) -> Locator:
    return page.locator("#live")


def state(page: Page, wanted: JobState) -> None:
    """The page says so by itself: nobody loads it anew."""
    expect(live(page).locator(".state")).to_have_text(str(wanted.label), timeout=SOON_MS)


def test_print_goes_from_a_file_to_a_clean_bed_and_the_next_is_stopped(walk: Walk) -> None:
    hands_in(walk)
    is_sent_back_once(walk)
    starts_and_watches(walk)
    answers_and_clears_the_bed(walk)
    next_one_is_stopped(walk)

    assert walk.faults == []


def hands_in(walk: Walk) -> None:
    """A file from the printer's page; one of three times, with one tap."""
    member, page = walk.member, walk.member.page
    member.go(f"/machines/{walk.rows.machine.slug}/")
    member.press("main a[href$='/print/']")
    page.set_input_files("input[type=file]", FILE)
    member.press("form[data-upload] button[type=submit]")
    expect(page.locator("h1")).to_have_text("cube.gcode")
    state(page, JobState.DRAFT)
    expect(page.locator("form[action$='/reserve/'] button")).to_have_count(3)
    not_on_the_stroke(page)
    member.press("form[action$='/reserve/'] button")
    expect(page.locator("#messages")).to_contain_text(_("Handed in. Somebody of the team looks at it first."))
    expect(page.get_by_role("heading", name=_("Somebody of the team looks at it first"))).to_be_visible()


def not_on_the_stroke(page: Page) -> None:
    """A time that is offered a moment before it begins is over when it is taken: then the next ones are asked for."""
    soonest = dt.datetime.fromisoformat(page.locator("[name=start]").first.input_value())
    left_s = (soonest - timezone.now()).total_seconds()
    if left_s < STROKE_S:
        page.wait_for_timeout(1000 * max(left_s + 1, 0))
        page.reload()


def is_sent_back_once(walk: Walk) -> None:
    """With a reason, which its person reads without loading the page anew; handed in again, it is let through."""
    member, team = walk.member, walk.team
    team.go("/manage/prints/")
    expect(team.page.locator(".print-asking h3")).to_have_text("cube.gcode")
    team.hand.press(".print-asking summary")
    team.hand.fill(".print-asking [name=note]", REASON)
    team.press(".print-asking [value=send-back]")
    expect(team.page.locator("#approvals")).to_have_count(0)

    state(member.page, JobState.RETURNED)
    expect(live(member.page)).to_contain_text(REASON)
    member.look()
    member.press("form[action$='/submit/'] button[type=submit]")
    state(member.page, JobState.AWAITING_APPROVAL)

    team.go("/manage/prints/")
    team.press(".print-asking [value=approve]")
    state(member.page, JobState.QUEUED)


def starts_and_watches(walk: Walk) -> None:
    """Checked in and started at the machine; the page follows by itself, to the end."""
    member, page = walk.member, walk.member.page
    job = page.url
    expect(live(page).locator("[data-code=not_checked_in]")).to_be_visible()
    expect(live(page).locator("[data-code=start_not_pressed]")).to_be_visible()
    member.look()
    member.press("form[action$='/check-in/'] button")
    member.go(job)
    member.press("form[action$='/start/'] button")
    state(page, JobState.STARTING)
    walk.printer.may_start.set()
    state(page, JobState.PRINTING)
    left = live(page).locator(".live-line .soft")
    expect(left).to_be_visible(timeout=SOON_MS)
    member.hand.go_to("#do-pause")
    walk.printer.pass_time(PRINT_S / 2)
    expect(live(page).locator("progress")).to_have_attribute("value", HALF, timeout=SOON_MS)
    # The part under the hand was a new one several times.
    expect(page.locator("#do-pause")).to_be_focused()
    member.look()
    walk.printer.pass_time(PRINT_S)
    state(page, JobState.FINISHED)


def answers_and_clears_the_bed(walk: Walk) -> None:
    """It came out well; the bed is cleared on the machine's own page, and the next one's turn has come."""
    member, page, machine = walk.member, walk.member.page, walk.rows.machine
    expect(page.get_by_role("heading", name=_("How did it come out?"))).to_be_visible()
    member.press("form[action$='/good/'] button")
    expect(live(page)).to_contain_text(str(Outcome.GOOD.label))
    walk.team.go("/manage/prints/")
    card = walk.team.page.locator(f"#printer-{machine.pk}")
    expect(card).to_contain_text(_("not clear"))
    other = walk.other.page
    walk.other.go(walk.rows.next_job.get_absolute_url())
    expect(live(other).locator("[data-code=bed_not_clear]")).to_be_visible()

    member.go(machine.get_absolute_url())
    member.press("form[action$='/bed-clear/'] button")
    expect(page.locator("#messages")).to_contain_text(_("Thank you. The next print may start."))
    expect(page.locator("form[action$='/bed-clear/']")).to_have_count(0)

    # Farm and next person: neither page is loaded anew.
    expect(card.locator("dd").nth(1)).to_have_text(_("clear"), timeout=SOON_MS)
    expect(card).to_contain_text(_("Next: %(name)s") % {"name": "hook.gcode"})
    expect(live(other).locator("[data-code=bed_not_clear]")).to_have_count(0, timeout=SOON_MS)
    expect(live(other).locator("form[action$='/start/'] button")).to_be_visible()


def next_one_is_stopped(walk: Walk) -> None:
    """The other comes now instead of later, starts, and stops it: cancelled, and no failure of the printer."""
    gives_the_rest_back(walk)
    other, page = walk.other, walk.other.page
    job = page.url
    comes_now(other)
    other.go(job)
    other.press("form[action$='/start/'] button")
    state(page, JobState.PRINTING)
    other.hand.press("#live details.confirm summary")
    other.press("#live form[action$='/cancel/'] button")
    state(page, JobState.CANCELLED)
    other.look()

    walk.team.go("/manage/prints/")
    row = walk.team.page.locator("table").first.locator("tbody tr")
    told = [row.locator("td").nth(number).inner_text().split()[-1] for number in range(4)]
    assert (row.count(), told) == (1, ["1", "0", "0", "0"])


def gives_the_rest_back(walk: Walk) -> None:
    member = walk.member
    member.press("main a[href^='/reservations/']")
    member.press("form[action$='/finish/'] button")


def comes_now(other: Visitor) -> None:
    """From the print to its reservation, and that to the soonest time."""
    other.press("p.back a[href^='/reservations/']")
    other.press("a[href*='moving=']")
    other.press(".slots .slot-link")
    other.press(".stick button[type=submit]")
    other.press("form[action$='/check-in/'] button")
