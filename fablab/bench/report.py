"""Results as a table for people and as rows for programs."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from fablab.bench.measure import Result

HEAD = ("case", "", "queries", "best", "median", "p95", "promised", "share of it")


def as_rows(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Plain values; times in ms."""
    return [dataclasses.asdict(result) | {"share": result.share} for result in results]


def as_table(results: Sequence[Result]) -> str:
    """Columns in step, a line a case."""
    lines = [HEAD, *(_cells(result) for result in results)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(HEAD))]
    return "\n".join(_aligned(line, widths) for line in lines)


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    words = [
        cell.ljust(width) if n < 2 else cell.rjust(width)
        for n, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(words).rstrip()


def _cells(result: Result) -> tuple[str, ...]:
    if result.error:
        return (result.name, f"{result.title}: {result.error}", "", "", "", "", "", "")
    queries = f"{result.queries}{'' if result.keeps_queries else ' !'}"
    median = f"{result.median_ms:.1f} ms"
    if result.database_ms is not None:
        median = f"{result.database_ms:.1f} of {median}"
    if result.a_second is not None:
        median = f"{result.a_second:,.0f}/s, {median}"
    share = "" if result.share is None else f"{result.share:.2f}{'' if result.share <= 1 else ' !'}"
    best = f"{result.best_ms:.1f} ms"
    return (result.name, result.title, queries, best, median, f"{result.p95_ms:.1f} ms", _promise(result), share)


def _promise(result: Result) -> str:
    target = result.target
    parts = []
    if target.queries is not None:
        parts.append(f"≤ {target.queries} queries")
    if target.ms is not None:
        parts.append(f"≤ {target.ms:.0f} ms")
    if target.least_a_second is not None:
        parts.append(f"≥ {target.least_a_second:,.0f}/s")
    return ", ".join(parts)
