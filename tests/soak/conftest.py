"""Collected by `make soak` (which names this folder) or with FABLAB_SOAK=1."""

from pathlib import Path

import pytest

from tests.asked_for import is_asked_for


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return None if is_asked_for(config, Path(__file__).parent, "FABLAB_SOAK") else True
