"""Collected by `make bench` (which names this folder) or with FABLAB_BENCH=1."""

from pathlib import Path

import pytest

from tests.asked_for import is_asked_for


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return None if is_asked_for(config, Path(__file__).parent, "FABLAB_BENCH") else True
