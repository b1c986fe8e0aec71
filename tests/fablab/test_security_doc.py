"""docs/security.md: each chapter is there, each requirement once, and all that it cites exists."""

import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ", 3)] for line in TEXT.splitlines() if re.match(r"\| \d", line)
]
NUMBERS = [number for row in ROWS for number in row[0].strip().split(", ")]
# Of ASVS 4.0.3, levels 1 and 2, by chapter.
ASKED = {1: 38, 2: 53, 3: 18, 4: 9, 5: 30, 6: 13, 7: 12, 8: 15, 9: 7, 10: 5, 11: 8, 12: 15, 13: 13, 14: 23}
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", TEXT)))
PATHS = sorted(set(re.findall(r"`((?:[\w.-]+/)+[\w.-]+\.\w+|[\w-]+\.(?:md|txt|py))`", TEXT)))


def test_every_requirement_is_answered_once() -> None:
    answered = {chapter: sum(number.startswith(f"{chapter}.") for number in NUMBERS) for chapter in ASKED}

    assert answered == ASKED
    assert len(NUMBERS) == len(set(NUMBERS))


def test_every_answer_is_one_of_three() -> None:
    assert {row[2] for row in ROWS} == {"yes", "no", "not applicable"}
    assert all(row[3].strip(" |") for row in ROWS)


def test_sum_is_right() -> None:
    counted = {
        answer: sum(len(row[0].split(",")) for row in ROWS if row[2] == answer)
        for answer in ("yes", "no", "not applicable")
    }
    said = re.search(r"Of (\d+) requirements, (\d+) are met, (\d+) are not, and (\d+) do not apply", TEXT)

    assert said is not None
    assert [int(number) for number in said.groups()] == [len(NUMBERS), *counted.values()]


@pytest.mark.parametrize(("path", "name"), TESTS, ids=[f"{path}::{name}" for path, name in TESTS])
def test_cited_test_exists(path: str, name: str) -> None:
    assert re.search(rf"^ *(async )?def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("path", PATHS)
def test_cited_file_exists(path: str) -> None:
    assert (ROOT / path).is_file()
