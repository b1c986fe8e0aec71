"""A small real lab for the tests of the supervisor: `python -m tests.fablab.up_driver FOLDER PLAN`.

Every plan has a real database; the rest are tiny processes with one property each.
"""

import signal
import sys
from pathlib import Path

from fablab.up.children import ChildSpec
from fablab.up.postgres import EmbeddedPostgres
from fablab.up.stages import ProcessService, Stage, Step
from fablab.up.supervisor import Supervisor

SLEEPS = "import time; time.sleep(600)"
IGNORES_SIGTERM = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"
HAS_A_CHILD = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEPS!r}]); {SLEEPS}"
FAILS = "print('no such machine'); raise SystemExit(3)"


def process(folder: Path, name: str, code: str, *, never_answers: bool = False) -> ProcessService:
    def spec() -> ChildSpec:
        return ChildSpec(name, (sys.executable, "-c", code), log_file=folder / "logs" / f"{name}.log")

    answers = (lambda: False) if never_answers else None
    return ProcessService(name, spec, answers=answers, settled_after_s=0.2)


def plan(folder: Path, name: str) -> list[Stage | Step]:
    database = Stage("Database", [EmbeddedPostgres(folder, password="test", options={"fsync": "off"})])
    if name == "calm":
        return [database, Stage("Rest", [process(folder, "sleeper", SLEEPS)])]
    if name == "stubborn":
        return [database, Stage("Rest", [process(folder, "stubborn", IGNORES_SIGTERM)])]
    if name == "with a grandchild":
        return [database, Stage("Rest", [process(folder, "parent", HAS_A_CHILD)])]
    if name == "never ready":
        return [database, Stage("Rest", [process(folder, "mute", SLEEPS, never_answers=True)])]
    if name == "dies early":
        return [database, Stage("Rest", [process(folder, "failing", FAILS)])]
    if name == "step fails":
        step = Step("demo data", "Loading …", (sys.executable, "-c", FAILS), {})
        return [database, step, Stage("Rest", [process(folder, "sleeper", SLEEPS)])]
    raise ValueError(name)


if __name__ == "__main__":
    # Tests started by nohup hand down that the hang-up is ignored; the lab of these tests was not.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    lab = Path(sys.argv[1])
    sys.exit(Supervisor(plan(lab, sys.argv[2]), when_open="open", stop_timeout_s=4).run())
