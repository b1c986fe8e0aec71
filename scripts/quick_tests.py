"""Runs the fast tests of the apps that were touched: by what git says is changed, else by the last commit.

All of them together take minutes by now; whoever changes printing wants to know about printing first. `make test` runs
everything.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
APPS = ("people", "machines", "reservations", "iot", "printing", "projects", "fablab")
ALWAYS = ("tests/test_architecture.py", "tests/test_house.py")
FAST = ("-n", "2", "-m", "not serial and not slow")


def changed() -> list[str]:
    """Paths that differ from the last commit, new ones included; those of the last commit when none does."""
    now = _git("diff", "--name-only", "HEAD") + _git("ls-files", "--others", "--exclude-standard")
    return now or _git("diff", "--name-only", "HEAD~1", "HEAD")


def folders(paths: list[str]) -> list[str]:
    """The folders of tests of these paths' apps, in the order of the apps, after what is always asked."""
    tops = {
        path.split("/")[1] if path.startswith("tests/") and "/" in path[6:] else path.split("/")[0] for path in paths
    }
    found = [f"tests/{app}" for app in APPS if app in tops]
    if "api" in tops:
        found.append("tests/api")
    return [*ALWAYS, *(folder for folder in found if (ROOT / folder).is_dir())]


def _git(*words: str) -> list[str]:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.split("\n")[:-1] if done.returncode == 0 else []


if __name__ == "__main__":
    chosen = sys.argv[1:] or folders(changed())
    print("make quick:", " ".join(chosen), flush=True)
    sys.exit(subprocess.call([sys.executable, "-m", "pytest", *FAST, *chosen], cwd=ROOT))
