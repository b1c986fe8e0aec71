"""The house is in order: papers, links, settings, templates, icons and the weight of the first page."""

import ast
import gzip
import os
import re
import tomllib
from pathlib import Path

import brotli
import pytest
from django.core.management import get_commands

from fablab.demo.place import KINDS
from fablab.machine_status import State
from machines.models import Category

ROOT = Path(__file__).resolve().parent.parent
STATIC = ROOT / "fablab" / "static"
APPS = ("people", "machines", "reservations", "iot", "printing", "projects", "fablab")
NOT_OURS = {".git", ".venv", "var", "build", "node_modules", "__pycache__", "vendor", "pictures"}
WRITTEN = {".py", ".md", ".html", ".js", ".mjs", ".css", ".scss", ".json", ".yaml", ".toml", ".in", ".sh", ".service"}

LONGEST_TEMPLATE_LINES = 100
BOOTSTRAP_GZIP_MOST_BYTES = 14_000
FIRST_PAGE_MOST_BYTES = 100_000
# Of the system or of other programs, not of the lab.
FOREIGN_VARIABLES = {"PATH", "HOME", "PYTHONPATH", "XDG_CACHE_HOME", "MAKELEVEL", "DJANGO_SETTINGS_MODULE"}


def files_below(folder=ROOT):
    """What a person wrote, without what is installed, made or hidden."""
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in NOT_OURS and not name.startswith("."))
        yield from (Path(here) / name for name in sorted(names))


def shown(path):
    return str(path.relative_to(ROOT))


FILES = [path for path in files_below() if path.suffix in WRITTEN or path.name == "Makefile"]
PAGES = [path for path in FILES if path.suffix == ".md"]
TEMPLATES = [path for path in FILES if path.suffix == ".html" and "templates" in path.parts]
CODE = [path for path in FILES if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in APPS]
each_page = pytest.mark.parametrize("page", PAGES, ids=shown)
each_template = pytest.mark.parametrize("template", TEMPLATES, ids=shown)


# --- papers -----------------------------------------------------------------------------------------------------


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_licence_is_the_one_that_is_declared():
    text = (ROOT / "LICENSE").read_text()

    assert project()["license"] == "MIT"
    assert text.startswith("MIT License\n")
    assert "Copyright (c) 2026 The fablab authors" in text


def test_changelog_begins_with_what_is_to_come_or_with_this_version():
    newest = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert newest
    assert newest[1] in ("Unreleased", project()["version"])


def test_every_file_by_others_is_named_with_its_licence():
    listed = (ROOT / "docs" / "third-party.md").read_text()
    others = [path for folder in ("vendor", "fonts") for path in (STATIC / folder).iterdir() if path.is_file()]
    ours = {"fonts.css"}

    assert [path.name for path in others if path.name not in ours and path.name not in listed] == []
    assert [name for name in re.findall(r"`((?:vendor|fonts)/[^`*]+)`", listed) if not (STATIC / name).exists()] == []


def anchors_of(page):
    """The names that a heading can be linked by."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_links_of_a_page_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not link.startswith(("http:", "https:"))]
    places = [(link, *link.partition("#")[::2]) for link in links]

    broken = [
        link
        for link, where, anchor in places
        if not (target := (page.parent / where if where else page)).exists()
        or (anchor and anchor not in anchors_of(target))
    ]

    assert broken == []


@each_page
def test_commands_of_a_page_exist(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = page.read_text()

    made = set(re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE))
    managed = set(re.findall(r"manage\.py ([a-z_]+)", text))

    assert made <= targets
    assert managed <= set(get_commands()), "a command that nobody wrote"


def test_every_document_is_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text()
    documents = [path.relative_to(ROOT / "docs") for path in PAGES if path.is_relative_to(ROOT / "docs")]

    assert [str(path) for path in documents if path.name != "README.md" and f"]({path})" not in index] == []


# --- text -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        # A folder of somebody's computer, or of a build machine.
        ("path of one machine", r"(?<![\w.:/>-])/(?:home|root|Users|work|workspace|builds)/\w"),
        ("note for later", r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b"),
        ("mark of a merge", r"^(?:<{7}|>{7}) "),
    ],
)
def test_no_file_holds(what, pattern):
    found = [
        f"{shown(path)}: {match[0]}"
        for path in FILES
        for match in re.finditer(pattern, path.read_text(encoding="utf-8"), re.MULTILINE)
    ]

    assert found == [], what


# --- settings ---------------------------------------------------------------------------------------------------


def variables_read(source):
    """Names that stand as text in `env.flag("…")`, `os.environ.get("…")` or `os.environ["…"]`."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = ast.unparse(node.func)
            if re.fullmatch(r"env\.\w+|os\.environ\.get|os\.getenv", called):
                names.add(node.args[0].value)
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
            names |= {node.slice.value} if isinstance(node.slice, ast.Constant) else set()
    return names


def test_env_example_explains_every_variable_that_is_read_and_no_other():
    documented = re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    read = set().union(*(variables_read(path.read_text()) for path in CODE))

    assert sorted(read - FOREIGN_VARIABLES - set(documented)) == []
    assert sorted(set(documented) - read) == []
    assert len(documented) == len(set(documented))


@pytest.mark.parametrize(
    "source",
    [
        'env.flag("NAME")',
        'os.environ.get("NAME", "")',
        'os.environ["NAME"]',
        'def late():\n    return env.integer("NAME", 1, least=0, most=2)',
    ],
    ids=["typed reader", "get", "subscript", "inside a function"],
)
def test_reading_a_variable_is_seen(source):
    assert variables_read(source) == {"NAME"}


# --- templates and icons ----------------------------------------------------------------------------------------


@each_template
def test_template_is_short(template):
    assert len(template.read_text().splitlines()) <= LONGEST_TEMPLATE_LINES


@each_template
def test_template_holds_no_inline_script_or_style(template):
    text = template.read_text()

    assert re.findall(r"<script(?![^>]*\ssrc=)[^>]*>", text) == []
    assert re.findall(r"<style\b|\sstyle\s*=|\son[a-z]+\s*=\s*[\"']|javascript:", text, re.IGNORECASE) == []


def symbols():
    return set(re.findall(r'<symbol[^>]*\bid="i-([a-z0-9-]+)"', (STATIC / "icons.svg").read_text()))


def icons_of_needs():
    """The second argument of each Need(…), wherever it is made: what the team's page draws beside it."""
    trees = [ast.parse(text) for path in CODE if "Need(" in (text := path.read_text())]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    needs = [call for call in calls if ast.unparse(call.func) == "Need"]
    return {call.args[1].value for call in needs if isinstance(call.args[1], ast.Constant)}


def test_every_icon_that_is_drawn_exists():
    text = "\n".join(template.read_text() for template in TEMPLATES)
    code = "\n".join(path.read_text() for path in [*CODE, *STATIC.glob("*.js")])
    named = set(re.findall(r'{% icon "([^"]+)"', text)) | set(re.findall(r"#i-([a-z0-9-]+)", text + code))
    stored = {kind.icon for kind in KINDS} | {Category._meta.get_field("icon").default}

    of_needs = icons_of_needs()
    drawn = named | stored | {state.value for state in State} | of_needs

    assert len(of_needs) > 5
    assert len(drawn) > 20
    assert sorted(drawn - symbols()) == []


# --- weight -----------------------------------------------------------------------------------------------------


def travelling_bytes(path):
    """As the server sends it; fonts are compressed already."""
    raw = path.read_bytes()
    return len(raw) if path.suffix == ".woff2" else min(len(raw), len(brotli.compress(raw)))


def test_bootstrap_holds_only_what_is_used():
    packed = gzip.compress((STATIC / "vendor" / "bootstrap.css").read_bytes(), 9)

    assert len(packed) < BOOTSTRAP_GZIP_MOST_BYTES


def test_first_page_is_light():
    base = (ROOT / "fablab" / "templates" / "base.html").read_text()
    named = {STATIC / name for name in re.findall(r"{% static '([^']+)' %}", base)}
    fonts = {
        STATIC / "fonts" / name for name in re.findall(r'url\("([^"]+)"\)', (STATIC / "fonts/fonts.css").read_text())
    }
    weights = {shown(path): travelling_bytes(path) for path in {*named, *fonts, STATIC / "icons.svg"}}

    assert len(weights) >= 8
    assert sum(weights.values()) <= FIRST_PAGE_MOST_BYTES, weights
