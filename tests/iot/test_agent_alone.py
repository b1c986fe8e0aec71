"""The agent without the rest of the project: what it imports, how it is packaged, and that it runs so."""

import ast
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "iot" / "agent"
SOURCES = sorted(FOLDER.rglob("*.py"))
PACKAGE = "fablab_agent"
# What the project has and a Raspberry Pi has not; gpiozero is there or not, and loaded only when it is wanted.
ABSENT = ("django", "msgspec", "rest_framework", "iot", "fablab", "people", "machines", "gpiozero", "lgpio")
BLOCKER = f"""
import importlib.abc, sys
class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {ABSENT!r}:
            raise ImportError(name + " is not installed here")
sys.meta_path.insert(0, Blocker())
"""


def metadata() -> dict:
    return tomllib.loads((FOLDER / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the package under its installed name, laid out as its pyproject.toml says."""
    place = tmp_path_factory.mktemp("alone")
    for package, source in metadata()["tool"]["setuptools"]["package-dir"].items():
        target = place.joinpath(*package.split("."))
        target.mkdir()
        for file in (FOLDER / source).glob("*.py"):
            (target / file.name).write_bytes(file.read_bytes())
    return place


def run_alone(place: Path, program: str, *words: str) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-c", BLOCKER + program, *words],
        cwd=place, env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_agent_imports_itself_paho_and_the_standard_library_only(source: Path):
    depth = len(source.relative_to(FOLDER).parts)
    foreign = []
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            foreign += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            foreign.append(node.module or "")
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= depth, "a relative import that leaves the package"

    allowed = {*sys.stdlib_module_names, "paho"}
    assert [name for name in foreign if name.split(".")[0] not in allowed] == []


def test_every_module_loads_without_the_project(alone: Path):
    modules = [
        f"{PACKAGE}.{'.'.join(path.relative_to(FOLDER).with_suffix('').parts)}"
        for path in SOURCES
        if path.stem not in ("__init__", "__main__")
    ]

    done = run_alone(alone, f"import {', '.join(modules)}; print(sorted(set(sys.modules) & {set(ABSENT)!r}))")

    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


def test_command_runs_without_the_project(alone: Path, tmp_path: Path):
    program = f"from {PACKAGE}.__main__ import main; sys.exit(main(sys.argv[1:]))"

    helped = run_alone(alone, program, "--help")
    missing = run_alone(alone, program, "--config", str(tmp_path / "agent.toml"))

    assert (helped.returncode, "fablab-agent" in helped.stdout) == (0, True)
    assert (missing.returncode, "enrol: fablab-agent enrol" in missing.stderr) == (1, True)


def test_pins_without_their_library_say_what_to_install(alone: Path, tmp_path: Path):
    (tmp_path / "password").write_text("p")
    (tmp_path / "agent.toml").write_text("device = 'laser'\nhost = '127.0.0.1'\n[machine]\nrelay_pin = 17\n")
    program = f"from {PACKAGE}.__main__ import main; sys.exit(main(sys.argv[1:]))"

    done = run_alone(alone, program, "--config", str(tmp_path / "agent.toml"))

    assert done.returncode == 1
    assert "sudo apt install python3-gpiozero python3-lgpio" in done.stderr
    assert "Traceback" not in done.stderr


def test_metadata_names_the_command_and_paho_alone():
    project = metadata()["project"]

    assert project["scripts"] == {"fablab-agent": f"{PACKAGE}.__main__:main"}
    assert project["dependencies"] == ["paho-mqtt>=2,<3"]
    assert project["requires-python"] == ">=3.11"
    assert (FOLDER / project["readme"]).exists()


def test_metadata_lists_every_folder_with_code():
    listed = metadata()["tool"]["setuptools"]["package-dir"]
    folders = {path.parent for path in SOURCES}

    assert {(FOLDER / source).resolve() for source in listed.values()} == folders
    assert sorted(listed) == sorted(metadata()["tool"]["setuptools"]["packages"])


def test_metadata_leaves_the_tools_of_the_project_alone():
    """A table [tool.ruff], [tool.mypy] or [tool.pytest] here would take the place of the project's own."""
    assert set(metadata()["tool"]) == {"setuptools"}


def test_setuptools_builds_the_package(tmp_path: Path):
    pytest.importorskip("setuptools")
    source = tmp_path / "source"
    for file in [*SOURCES, FOLDER / "pyproject.toml", FOLDER / "README.md"]:
        target = source / file.relative_to(FOLDER)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    built = tmp_path / "built"

    done = subprocess.run(
        [sys.executable, "-c", "from setuptools import setup; setup()", "build", "--build-lib", built, "egg_info"],
        cwd=source, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    made = {str(path.relative_to(built / PACKAGE)) for path in (built / PACKAGE).rglob("*.py")}
    assert made == {str(path.relative_to(FOLDER)) for path in SOURCES}
    assert "fablab-agent = fablab_agent.__main__:main" in (source / f"{PACKAGE}.egg-info/entry_points.txt").read_text()
    assert "Requires-Dist: paho-mqtt" in (source / f"{PACKAGE}.egg-info/PKG-INFO").read_text() or (
        "paho-mqtt" in (source / f"{PACKAGE}.egg-info/requires.txt").read_text()
    )


def test_units_start_the_installed_command():
    lines = [file.read_text() for file in FOLDER.glob("*.service")]

    assert len(lines) == 2
    assert all("ExecStart=/opt/fablab-agent/bin/fablab-agent --config " in text for text in lines)
    assert all("Type=notify" in text and "WatchdogSec=" in text for text in lines)


def test_windows_task_starts_the_installed_package_without_end():
    space = {"task": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
    task = ElementTree.parse(FOLDER / "fablab-agent-seat.xml").getroot()

    assert task.findtext(".//task:Arguments", namespaces=space).startswith(f"-m {PACKAGE} --config ")
    assert task.findtext(".//task:ExecutionTimeLimit", namespaces=space) == "PT0S"
    assert task.findtext(".//task:RestartOnFailure/task:Interval", namespaces=space) == "PT1M"
    assert task.findtext(".//task:RunLevel", namespaces=space) == "LeastPrivilege"
