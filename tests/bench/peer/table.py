"""What was measured, side by side, as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

TITLES = {
    "machine-week": "one machine's week",
    "week": "all machines' week",
    "create": "create a reservation",
    "list": "list 1,000 reservations",
}

Measured = Mapping[str, Mapping[str, Any]]


def quietest(turns: Sequence[Measured]) -> dict[str, Mapping[str, Any]]:
    """Of several turns, for each door the one with the lowest median: other work on the machine only adds."""
    return {door: min((turn[door] for turn in turns), key=lambda found: found["median_ms"]) for door in turns[0]}


def doors_table(sides: Mapping[str, Measured]) -> str:
    """A line a door. The first side is ours; beside each other one stands how many times as long it took."""
    ours, *others = sides
    head = ["door", "answers", f"{ours}: median, p95, queries"]
    head += [f"{other}: median, p95, queries, × ours" for other in others]
    lines = [head, ["---"] * len(head)]
    for door, found in sides[ours].items():
        line = [TITLES[door], _answers(door, sides), _times(found)]
        line += [f"{_times(sides[other][door])}, {ratio(sides[other][door], found)}" for other in others]
        lines.append(line)
    return _markdown(lines)


def ratio(found: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    return f"{found['median_ms'] / ours['median_ms']:.1f} ×"


def races_table(sides: Mapping[str, Sequence[Mapping[str, int]]]) -> str:
    """A line a side: each race's number of reservations that the database then held for the one slot."""
    lines = [["twenty people, one slot", "held after each race", "refused", "failed"], ["---"] * 4]
    for side, races in sides.items():
        held = " ".join(str(race["held"]) for race in races)
        lines.append([side, held, str(sum(race["refused"] for race in races)), str(sum(r["failed"] for r in races))])
    return _markdown(lines)


def _times(found: Mapping[str, Any]) -> str:
    return f"{found['median_ms']:.1f} ms, {found['p95_ms']:.1f} ms, {found['queries']}"


def _answers(door: str, sides: Mapping[str, Measured]) -> str:
    """How many reservations each answered with: once where all agree."""
    counts = [str(measured[door]["answered"]) for measured in sides.values()]
    return counts[0] if len(set(counts)) == 1 else " / ".join(counts)


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
