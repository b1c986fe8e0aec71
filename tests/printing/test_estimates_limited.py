"""A file is measured in a process of its own, which cannot take more than it was given."""

import subprocess
import sys
import time

import numpy as np
import pytest

from printing.estimates.cut import CutEstimate, estimate_cut
from printing.estimates.limited import ROOT, run_limited
from printing.estimates.limits import Unmeasurable
from printing.estimates.mesh import MeshEstimate, estimate_mesh
from tests.printing.estimate_files import cube, stl_binary, svg, written

pytestmark = pytest.mark.serial


def sleeping(path) -> CutEstimate:
    time.sleep(60)


def spinning(path) -> CutEstimate:
    while True:
        pass


def eating(path) -> CutEstimate:
    return CutEstimate(bytearray(2 * 1024**3))


def talking(path, word) -> CutEstimate:
    print("a library says something")
    return CutEstimate((1.0, 2.0), 3.0, 4.0, 5, word, {"é": 6.0}, {"text": 7})


def writing(path) -> CutEstimate:
    path.with_suffix(".stolen").write_text("x")


def listing_environment(path) -> dict[str, str]:
    import os

    return dict(os.environ)


def test_mesh_comes_back_as_it_was_measured(tmp_path):
    path = written(tmp_path, stl_binary(cube()))

    estimate = run_limited(estimate_mesh, path, "stl")

    assert isinstance(estimate, MeshEstimate)
    assert estimate == estimate_mesh(path, "stl")


def test_drawing_comes_back_as_it_was_measured(tmp_path):
    path = written(tmp_path, svg('<g stroke="red"><circle r="10"/><text>é</text></g>'))

    estimate = run_limited(estimate_cut, path, "svg")

    assert isinstance(estimate, CutEstimate)
    assert estimate == estimate_cut(path, "svg")


@pytest.mark.parametrize(("content", "code"), [(b"", "empty"), (b"rubbish", "damaged")], ids=["empty", "damaged"])
def test_refusal_comes_back_as_it_was_said(tmp_path, content, code):
    with pytest.raises(Unmeasurable) as refusal:
        run_limited(estimate_mesh, written(tmp_path, content), "stl")

    assert refusal.value.code == code


def test_missing_file_is_not_called_damaged_by_itself(tmp_path):
    with pytest.raises(FileNotFoundError):
        run_limited(estimate_mesh, tmp_path / "nothing.stl", "stl")


@pytest.mark.parametrize(
    ("function", "most_s"),
    [(sleeping, 1.5), (spinning, 1.5), (eating, 10)],
    ids=["waits", "never ends", "eats memory"],
)
def test_child_that_takes_too_much_is_ended(tmp_path, function, most_s):
    began = time.monotonic()

    with pytest.raises(Unmeasurable, match="too_large"):
        run_limited(function, tmp_path, most_s=most_s)

    assert time.monotonic() - began < most_s + 3


def test_what_a_library_prints_is_not_taken_for_the_answer(tmp_path):
    assert run_limited(talking, tmp_path, "mm") == CutEstimate((1, 2), 3, 4, 5, "mm", {"é": 6}, {"text": 7})


def test_child_that_breaks_is_logged_and_called_damaged(tmp_path, caplog):
    with pytest.raises(Unmeasurable, match="damaged"):
        run_limited(writing, written(tmp_path, b""))

    assert [path for path in tmp_path.iterdir() if path.stat().st_size] == []
    assert "Measuring a file ended with" in caplog.text


def test_child_sees_none_of_our_variables(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "not for parsers")

    assert "SECRET_KEY" not in run_limited(listing_environment, tmp_path)


@pytest.mark.slow
def test_two_million_loose_triangles_fit(tmp_path):
    """The most that 100 MB of STL can hold, in the memory that a child has."""
    count = 2_000_000
    triangles = np.zeros(count, dtype=[("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("rest", "<u2")])
    triangles["corners"] = np.random.default_rng(1).random((count, 3, 3), dtype=np.float32)
    path = written(tmp_path, stl_binary([], claimed=count) + triangles.tobytes())

    estimate = run_limited(estimate_mesh, path, "stl", most_s=60)

    assert estimate.triangle_count == count
    assert not estimate.is_watertight


def test_asking_for_an_estimate_loads_no_geometry():
    """A web process that only passes the functions on stays as small as it was."""
    program = (
        "import sys, printing.estimates.cut, printing.estimates.mesh, printing.estimates.limited;"
        "sys.exit(bool({'numpy', 'trimesh', 'ezdxf', 'svgelements'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
