"""The table that stands NEMO beside us (tests/bench/peer): nothing is installed or measured here."""

from tests.bench.peer.table import doors_table, quietest, races_table

OURS, THEIRS = "fablab, PostgreSQL", "NEMO, SQLite"


def door(median_ms, queries=6, answered=18):
    return {
        "queries": queries,
        "best_ms": median_ms,
        "median_ms": median_ms,
        "p95_ms": median_ms * 2,
        "answered": answered,
    }


def raced(held):
    return {"granted": held, "refused": 20 - held, "failed": 0, "held": held}


def test_quietest_turn_counts_door_by_door():
    first = {"week": door(20.0), "create": door(9.0)}
    second = {"week": door(15.0), "create": door(12.0)}

    found = quietest([first, second])

    assert {name: times["median_ms"] for name, times in found.items()} == {"week": 15.0, "create": 9.0}


def test_doors_table_says_how_many_times_as_long_the_other_took():
    table = doors_table({OURS: {"machine-week": door(5.0)}, THEIRS: {"machine-week": door(40.0, queries=120)}})

    assert table.splitlines()[2] == "| one machine's week | 18 | 5.0 ms, 10.0 ms, 6 | 40.0 ms, 80.0 ms, 120, 8.0 × |"


def test_doors_table_shows_where_the_answers_differ():
    table = doors_table({OURS: {"list": door(5.0, answered=1000)}, THEIRS: {"list": door(9.0, answered=990)}})

    assert "| 1000 / 990 |" in table


def test_doors_table_stands_without_the_other():
    table = doors_table({OURS: {"week": door(15.0)}})

    assert table.splitlines()[2] == "| all machines' week | 18 | 15.0 ms, 30.0 ms, 6 |"


def test_races_table_shows_each_race():
    table = races_table({OURS: [raced(1), raced(1)], THEIRS: [raced(16), raced(9)]})

    assert table.splitlines()[2:] == [f"| {OURS} | 1 1 | 38 | 0 |", f"| {THEIRS} | 16 9 | 15 | 0 |"]
