"""Folders of tests that run only when somebody asks for them: they take minutes and the whole machine."""

import os
from pathlib import Path

import pytest


def is_asked_for(config: pytest.Config, folder: Path, variable: str) -> bool:
    """Whether the command line names the folder or something in it, or the variable is 1."""
    words = [word.partition("::")[0] for word in config.invocation_params.args if not word.startswith("-")]
    named = [Path(word).resolve() for word in words]
    return os.environ.get(variable) == "1" or any(path == folder or folder in path.parents for path in named)
