"""Fixtures of the tests of prints. Imported late: the parsers' own tests need no database."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.conf import LazySettings

if TYPE_CHECKING:
    from tests.printing.builders import Lab


@pytest.fixture
def printers_allowed(settings: LazySettings, tmp_path: Path) -> None:
    """Printers may be on this machine, and files go to a folder of the test's own."""
    settings.PRINTER_NETWORKS = ["127.0.0.0/8"]
    settings.MEDIA_ROOT = tmp_path / "files"


@pytest.fixture
def lab(db: None, printers_allowed: None) -> Iterator["Lab"]:
    """A printer that answers, and a person who has checked in."""
    from tests.printing.builders import Lab

    made = Lab()
    yield made
    made.server.stop()
