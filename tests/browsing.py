"""What the tests in a browser share."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from django.db import connection
from playwright.sync_api import Browser, Page

from tests.chromium import chromium_path, running_browser
from tests.conftest import skip_or_fail


@contextmanager
def required_browser() -> Iterator[Browser]:
    """A browser; without Chromium the test skips, or fails when CI=true."""
    if chromium_path() is None:
        skip_or_fail("Chromium is not installed: apt-get install chromium")
    with running_browser() as running:
        yield running


def in_thread(do: Callable[[], object]) -> None:
    """The browser's loop bars the database from this thread; what is done there is committed."""

    def work() -> None:
        try:
            do()
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)


def violations(page: Page, rules: Mapping[str, Any]) -> list[str]:
    """What axe finds by these rules."""
    found = Axe().run(page, options=dict(rules)).response["violations"]
    return [f"{each['id']}: {node['html'][:120]}" for each in found for node in each["nodes"]]
