"""Who may import whom: one rung per app, looking left only. Read from the source, imports inside functions included."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Left to right: a rung imports itself and what stands before it.
LADDER = (
    "fablab.lib",
    "people",
    "machines",
    "reservations",
    "iot",
    "printing",
    "workshops",
    "projects",
    "insights",
    "fablab",
)
JUNK_DRAWERS = ("utils", "helpers", "common")
LONGEST_FILE_LINES = 400
APP_FOLDERS = [name for name in LADDER if "." not in name and (ROOT / name).is_dir()]
SOURCES = sorted(path for app in APP_FOLDERS for path in (ROOT / app).rglob("*.py"))
WRITTEN_BY_HAND = [
    path for path in [*SOURCES, *sorted((ROOT / "tests").rglob("*.py"))] if "migrations" not in path.parts
]


def rung_of(module):
    """The place on the ladder, or None for what is not ours."""
    owners = [name for name in LADDER if module == name or module.startswith(f"{name}.")]
    return LADDER.index(max(owners, key=len)) if owners else None


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(source, module, *, is_package=False):
    """`(line, module)` of every import, wherever it stands; `from a import b` counts as `a.b`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                keep = len(module.split(".")) - node.level + is_package
                base = ".".join([*module.split(".")[:keep], *([base] if base else [])])
            found += [(node.lineno, f"{base}.{alias.name}") for alias in node.names]
    return found


def climbs_of(source, module, *, is_package=False):
    """The imports that reach a rung to the right."""
    own = rung_of(module)
    return [
        f"{module}:{line} imports {target}"
        for line, target in imports_of(source, module, is_package=is_package)
        if (rung := rung_of(target)) is not None and own is not None and rung > own
    ]


def test_imports_look_left_only():
    climbs = [
        climb
        for path in SOURCES
        for climb in climbs_of(path.read_text(), module_of(path), is_package=path.name == "__init__.py")
    ]

    assert climbs == []


@pytest.mark.parametrize(
    ("module", "source", "is_climb"),
    [
        ("people.models", "import reservations.models", True),
        ("people.models", "def late():\n    from machines import models", True),
        ("people.models", "from fablab import settings", True),
        ("fablab.lib.env", "from people.models import Site", True),
        ("fablab.lib.env", "from ..urls import urlpatterns", True),
        ("people.models", "from fablab.lib import env", False),
        ("fablab.urls", "from reservations.models import Status", False),
        ("machines.models", "from .rules import closed\nimport django.db", False),
    ],
    ids=[
        "plain climb",
        "inside a function",
        "the shell from an app",
        "an app from lib",
        "relative climb",
        "lib from an app",
        "the shell shows apps",
        "own rung and libraries",
    ],
)
def test_climb_is_seen(module, source, is_climb):
    assert bool(climbs_of(source, module)) == is_climb


def test_nothing_is_called_after_a_junk_drawer():
    drawers = [
        str(path.relative_to(ROOT))
        for path in WRITTEN_BY_HAND
        if {part.removesuffix(".py") for part in path.relative_to(ROOT).parts} & set(JUNK_DRAWERS)
    ]

    assert drawers == []


def test_files_stay_short():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in WRITTEN_BY_HAND}

    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE_LINES} == {}


def test_agent_needs_neither_django_nor_the_server():
    foreign = [
        f"{path.name}:{line} imports {target}"
        for path in sorted((ROOT / "iot" / "agent").rglob("*.py"))
        for line, target in imports_of(path.read_text(), module_of(path), is_package=path.name == "__init__.py")
        if target.split(".")[0] in ("django", "rest_framework")
        or (rung_of(target) is not None and not target.startswith(("iot.", "fablab.lib.")))
    ]

    assert foreign == []


def test_agent_starts_without_loading_django():
    modules = [module_of(path) for path in sorted((ROOT / "iot" / "agent").rglob("*.py")) if path.stem != "__main__"]
    program = f"import sys, {', '.join(modules)}; sys.exit('django' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


# The still of a camera goes through the web process: a camera takes no orders. See docs/decisions/0007.
DIALS = {
    "make_backend": {"printing.dispatch"},
    "OctoPrintBackend": set(),
    "MoonrakerBackend": set(),
    "PrusaLinkBackend": set(),
    "transport": set(),
    "AppKeyRequest": {"printing.key_requests"},
    "Camera": {"printing.camera_view"},
}
# Who lets the loops run: the worker's command, and what starts them for it.
LOOPS = ("printing.dispatch", "printing.loop", "printing.key_loop")


def imported_names(source, module, *, is_package=False):
    """The last part of everything that is imported, with the module it comes from; attributes of our modules too."""
    found = {target for _line, target in imports_of(source, module, is_package=is_package)}
    named = {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    return found | {f"printing.backends.{name}" for name in named & set(DIALS)}


def dialling():
    """`{name: modules that could call a printer by it}`, the back-ends themselves apart."""
    found = {name: set() for name in DIALS}
    for path in SOURCES:
        module = module_of(path)
        if module.startswith("printing.backends") or "printing" not in path.read_text():
            continue
        for target in imported_names(path.read_text(), module, is_package=path.name == "__init__.py"):
            name = target.rpartition(".")[2]
            if name in DIALS and target.startswith("printing.backends"):
                found[name].add(module)
    return found


def test_one_module_makes_connections_to_printers():
    assert dialling() == DIALS


def test_web_process_starts_none_of_the_loops_that_talk_to_printers():
    importing = {
        module_of(path)
        for path in SOURCES
        for _line, target in imports_of(path.read_text(), module_of(path), is_package=path.name == "__init__.py")
        if any(target == loop or target.startswith(f"{loop}.") for loop in LOOPS)
    }

    assert importing - set(LOOPS) == {"fablab.management.commands.worker"}


def test_rules_ask_neither_the_database_nor_the_clock():
    suspects = ("django.db", "django.utils.timezone", "time")
    asking = [
        f"{path.relative_to(ROOT)}:{line} imports {target}"
        for path in SOURCES
        if path.name == "rules.py"
        for line, target in imports_of(path.read_text(), module_of(path))
        if target in suspects or target.startswith(("django.db.", "django.utils.timezone."))
    ]

    assert asking == []
