"""Which version of the lab this is."""

import subprocess
import tomllib

from fablab.lib.datadir import BASE_DIR

GIT_WITHIN_S = 5


def app_version() -> str:
    """As pyproject.toml has it; empty when the file is not there."""
    try:
        return str(tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return ""


def commit() -> str:
    """The commit that is checked out; empty outside a checkout or without git."""
    if not (BASE_DIR / ".git").exists():
        return ""
    try:
        answer = subprocess.run(
            ["git", "-C", str(BASE_DIR), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
            timeout=GIT_WITHIN_S,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()
