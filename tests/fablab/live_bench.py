"""A machine and a browser's line to the lab that can fail: what the tests of live pages and of the wall start from."""

from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page

from fablab.lib.live import announce_machines
from iot.models import Device
from people.models import Role
from tests.api.web import Web
from tests.browsing import in_thread
from tests.fablab.settings_pages import BACKEND
from tests.factories import make_machine, make_site, make_staff
from tests.iot.builders import make_device
from tests.iot.shaky_network import ShakyNetwork

# Longer than the page waits for the server's sign of life.
SILENCE_MS = 41_000
# A browser waits two seconds before it tries again, and the web process may be busy.
BACK_MS = 20_000


class Bench:
    """A laser with a reader that was heard just now; a manager's browser finds the lab behind a line that can fail."""

    def __init__(self, web: Web, line: ShakyNetwork) -> None:
        self.line, self.url = line, f"http://127.0.0.1:{line.port}"
        self.site = make_site(name="Riverside")
        self.machine = make_machine(site=self.site, name="Laser 7")
        make_device("reader-7", self.machine, is_online=True, last_seen_at=timezone.now())
        client = Client()
        client.force_login(make_staff(site=self.site, role=Role.FAB_MANAGER), backend=BACKEND)
        self.session = client.cookies[settings.SESSION_COOKIE_NAME].value

    def address(self, which: str) -> str:
        pages = {"machine": self.machine.get_absolute_url(), "device": "/manage/devices/reader-7/", "board": "/board/"}
        return self.url + pages[which]

    def reader_falls_silent(self) -> None:
        """Nobody is told: only a page that asks by itself comes to know it."""
        in_thread(lambda: Device.objects.update(is_online=False))

    def something_happens(self) -> None:
        in_thread(lambda: announce_machines([self.machine.pk]))


def look(page: Page, *, is_hidden: bool) -> None:
    """Another window comes before this one, or goes: a browser without a screen has no other way."""
    page.evaluate(
        """(isHidden) => {
          Object.defineProperty(document, "hidden", { configurable: true, get: () => isHidden });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        is_hidden,
    )
