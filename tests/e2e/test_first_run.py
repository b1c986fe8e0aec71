"""A first day: empty database, machine, person, qualification, reservation, check-in.

By keyboard alone, in both languages, with `/admin/` never opened.
"""

import base64
import hmac
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import free_port
from tests.e2e.axe import WIDER, look
from tests.e2e.conftest import OPEN_WITHIN_S, ROOT, Lab, _close, _wait_for
from tests.e2e.keyboard import Keyboard
from tests.e2e.prepared import prepare_folder

pytestmark = [pytest.mark.serial, pytest.mark.slow]

WIDE, NARROW = {"width": 1280, "height": 860}, {"width": 320, "height": 640}
GO_ON = "main form .btn-primary"
FILE = "/manage/people/[0-9A-Z]+/$"
# The day is ten minutes long at ten seconds for each thing done, reading included; half of it opens the lab.
MOST_ACTIONS_TO_OPEN, MOST_ACTIONS = 30, 60
PASSWORD = "a long walk by the river"
OURS = ("DATABASE_URL", "MQTT_URL", "FABLAB_DATA_DIR", "FABLAB_MQTT_PORT", "FABLAB_PG_OPTIONS", "FABLAB_DEMO")

WORDS = {
    "fr": {
        "locale": "fr-FR",
        "questions": "Question {} sur 8",
        "rooms": "Atelier\nSalle informatique",
        "machine": "Imprimante 3D 1",
        "computers": "Salle",
        "done": "Votre lieu est ouvert",
        "skill": "Impression",
        "in_use": "en cours",
    },
    "en": {
        "locale": "en-GB",
        "questions": "Question {} of 8",
        "rooms": "Workshop\nComputer room",
        "machine": "3D printer 1",
        "computers": "Computer",
        "done": "Your lab is open",
        "skill": "3D",
        "in_use": "in use",
    },
}


@pytest.fixture(scope="module", params=["fr", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def new_lab(language: str) -> Iterator[Lab]:
    """A lab of one's own, as `manage.py up --no-demo` opens it: its database is empty.

    The first begins with nothing at all; the second one's tables and static files are there, and no row.
    """
    port, mqtt_port = free_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="fablab-e2e-") as name:
        Path(name).chmod(0o755)
        if language == "en":
            prepare_folder(Path(name))
        process = subprocess.Popen(
            [
                *(sys.executable, "manage.py", "up", "--no-demo", "--workers", "1", "--data-dir", name),
                *("--port", str(port), "--mqtt-port", str(mqtt_port)),
            ],
            cwd=ROOT,
            env={key: value for key, value in os.environ.items() if key not in OURS},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            _wait_for(process, "The lab is open", OPEN_WITHIN_S)
            yield Lab(f"http://127.0.0.1:{port}", Path(name))
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
            _close(process)


@dataclass
class Newcomer:
    """One person from the first page on, and every address their browser asked for."""

    page: Page
    keys: Keyboard
    asked: list[str] = field(default_factory=list)

    def asked_admin(self) -> list[str]:
        return [address for address in self.asked if urlsplit(address).path.startswith("/admin")]


@pytest.fixture(scope="module")
def newcomer(browser: Browser, new_lab: Lab, language: str) -> Iterator[Newcomer]:
    context = browser.new_context(
        locale=WORDS[language]["locale"], base_url=new_lab.url, viewport=WIDE, reduced_motion="reduce"
    )
    context.set_default_timeout(20_000)
    page = context.new_page()
    newcomer = Newcomer(page, Keyboard(page))
    page.on("request", lambda request: newcomer.asked.append(request.url))
    yield newcomer
    context.close()


def faults_of(page: Page) -> list[str]:
    """What axe finds, and whether the page is wider than the narrowest screen."""
    found = [f"{page.url}: {fault}" for fault in look(page)[0]]
    page.set_viewport_size(NARROW)
    wider = page.evaluate(WIDER)
    page.set_viewport_size(WIDE)
    return found + ([f"{page.url}: {wider} px wider than the screen"] if wider > 0 else [])


def add_second_key(page: Page, keys: Keyboard) -> None:
    """The code of an app on a telephone, which is asked for before the team's pages open."""
    page.wait_for_url(re.compile("/me/second-key/$"))
    keys.press("a[href*='totp']")
    page.wait_for_url(re.compile("/(reauthenticate|activate)/"))
    if "reauthenticate" in page.url:
        keys.fill("input[type=password]", PASSWORD)
        keys.press("main form button[type=submit]")
        page.wait_for_url(re.compile("/totp/activate/$"))
    # In groups of four, behind “The telephone cannot read it”.
    secret = page.locator("details code.token").text_content() or ""
    keys.fill("#id_code", six_digits("".join(secret.split())))
    keys.press("main form button[type=submit]")
    expect(page).not_to_have_url(re.compile("/activate/"))


def six_digits(secret: str) -> str:
    """What an app shows at this moment (RFC 6238)."""
    mark = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30), "sha1")
    place = mark[-1] & 15
    return f"{(struct.unpack('>I', mark[place : place + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def test_newcomer_opens_a_lab_by_keyboard_alone(newcomer: Newcomer, language: str) -> None:
    words, page, keys, faults = WORDS[language], newcomer.page, newcomer.keys, []

    def arrive(number: int, slug: str) -> None:
        page.wait_for_url(re.compile(f"/first-run/{slug}/$"))
        expect(page.get_by_text(words["questions"].format(number), exact=True)).to_be_visible()
        faults.extend(faults_of(page))

    page.goto("/")
    expect(page.locator("html")).to_have_attribute("lang", language)
    arrive(1, "administrator")
    keys.fill("#id_first_name", "Ada")
    keys.fill("#id_last_name", "Martin")
    keys.fill("#id_email", "ada@example.org")
    keys.fill("#id_password", PASSWORD)
    keys.press(GO_ON)

    arrive(2, "place")
    keys.fill("#id_name", "Les Halles")
    keys.fill("#id_address", "12 rue des Halles, 37000 Tours")
    keys.press(GO_ON)

    # Open day and night: the day goes on with a reservation for now, whenever this is run.
    arrive(3, "hours")
    keys.press("#id_days_0", "Space")
    keys.press("#id_days_6", "Space")
    keys.fill_clock("#id_opens", 0, 0)
    keys.fill_clock("#id_closes", 0, 0)
    keys.press(GO_ON)

    arrive(4, "rooms")
    keys.fill("#id_names", words["rooms"])
    keys.press(GO_ON)

    arrive(5, "machines")
    keys.fill("#id_fdm-printer-count", "1")
    keys.fill("#id_public-pc-count", "8")
    keys.choose("#id_public-pc-room", words["computers"])
    keys.press(GO_ON)

    arrive(6, "team")
    keys.press("[name=go-on]")

    arrive(7, "modules")
    keys.press(GO_ON)

    arrive(8, "check")
    expect(page.locator(".answers")).to_contain_text(re.compile(r": 8(?!\d)"))
    keys.press(GO_ON)

    page.wait_for_url(re.compile("/first-run/done/$"))
    expect(page.get_by_role("heading", level=1)).to_have_text(words["done"])
    faults.extend(faults_of(page))
    keys.press("main .btn-primary")
    add_second_key(page, keys)
    keys.press(".topnav a[href='/machines/']")
    page.wait_for_url(re.compile("/machines/$"))
    keys.press("main a[href^='/machines/']:not([href*='?'])")

    page.wait_for_url(re.compile(r"/machines/[\w-]+/$"))
    expect(page.get_by_role("heading", level=1)).to_have_text(words["machine"])
    faults.extend(faults_of(page))
    assert faults == []
    assert newcomer.asked_admin() == []
    assert keys.actions <= MOST_ACTIONS_TO_OPEN, keys


def test_newcomer_welcomes_a_first_maker_by_keyboard_alone(newcomer: Newcomer, language: str) -> None:
    words, page, keys, faults = WORDS[language], newcomer.page, newcomer.keys, []

    def arrive(where: str) -> None:
        page.wait_for_url(re.compile(where))
        expect(page.locator("main h1")).to_be_visible()
        faults.extend(faults_of(page))

    keys.press(".topnav a[href='/manage/']")
    arrive("/manage/$")
    keys.press(".sidebar a[href='/manage/people/']")
    arrive("/manage/people/$")
    keys.press("main a[href='/manage/people/new/']")

    arrive("/manage/people/new/$")
    keys.fill("#id_first_name", "Odette")
    keys.fill("#id_last_name", "Renard")
    keys.fill("#id_birth_year", "1951")
    keys.fill("#id_town", "Tours")
    keys.press("main form .btn-primary")

    arrive(FILE)
    keys.press("main a[href*='/qualify/']")
    arrive("/qualify/")
    keys.choose("#id_qualification", words["skill"])
    keys.pick("level", "2")
    keys.pick("lasts", "1")
    keys.press("main form .btn-primary")

    arrive(FILE)
    expect(page.locator("[aria-labelledby=qualifications-title] li")).to_have_count(1)
    keys.press("main .btn-primary[href^='/reserve/']")
    arrive("/reserve/[?]for=")
    keys.press("main a[href*='machine=']")
    arrive("machine=")
    keys.press("main .slots a[href^='/reserve/confirm/']")
    arrive("/reserve/confirm/")
    keys.press("main form .btn-primary")

    arrive("/desk/tickets/")
    keys.press("main a[href^='/desk/?site=']")
    arrive(r"/desk/\?site=les-halles$")
    keys.press(".desk-lines form[action$='/check-in/'] button")
    arrive(r"/desk/(\?site=les-halles)?$")
    expect(page.locator(".desk-lines li")).to_contain_text("Odette Renard")
    expect(page.locator(".desk-lines li")).to_contain_text(words["in_use"])
    assert faults == []
    assert newcomer.asked_admin() == []
    assert keys.actions <= MOST_ACTIONS, keys
    print(f"\n{language}: {keys.actions} actions, {keys.tabs} times Tab, {len(newcomer.asked)} requests")


def test_questions_are_gone_once_the_lab_is_open(newcomer: Newcomer) -> None:
    answer = newcomer.page.request.get("/first-run/")

    assert answer.status == 404
