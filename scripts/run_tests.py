"""Runs the tests in two groups, parallel then serial, and ends with one summary line for both.

Races, kills, real servers and browsers would disturb the rest, hence a group of their own: two files at a time, each
file's tests one after the other.
"""

import re
import subprocess
import sys
import time

# In the order of tests/conftest.py, the longest files first: by the number of its tests a storm would come last.
GROUPS = (("-n", "2", "-m", "not serial"), ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", "-m", "serial"))
NO_TESTS_COLLECTED = 5
COUNTED = ("failed", "passed", "skipped", "xfailed", "xpassed", "warnings", "errors")
SUMMARY = re.compile(r"\b\d+ (?:passed|failed|skipped|deselected|xfailed|xpassed|warnings?|errors?)\b.* in [\d.]+s")


def run_group(arguments: list[str]) -> tuple[int, dict[str, int]]:
    """The exit code of one pytest run, shown as it goes, and its counts by outcome."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pytest", *arguments], stdout=subprocess.PIPE, text=True, errors="replace"
    )
    summary = ""
    with process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            if SUMMARY.search(line):
                summary = line
    return process.returncode, counts(summary)


def counts(summary: str) -> dict[str, int]:
    """`3 passed, 1 error in 2.10s` by outcome, singular words made plural."""
    found = re.findall(r"(\d+) (\w+)", summary.split(" in ")[0])
    return {{"error": "errors", "warning": "warnings"}.get(word, word): int(number) for number, word in found}


def main() -> int:
    chosen = sys.argv[1:]
    began_s = time.monotonic()
    results = [run_group([*group, *chosen]) for group in GROUPS]
    codes = [code for code, _ in results if not (chosen and code == NO_TESTS_COLLECTED)]
    total = {name: sum(found.get(name, 0) for _, found in results) for name in COUNTED}
    is_broken = any(codes) and not total["failed"]
    total["errors"] = max(total["errors"], 1) if is_broken else total["errors"]
    words = ", ".join(f"{number} {name}" for name, number in total.items() if number) or "no tests ran"
    print(f"{words} in {time.monotonic() - began_s:.2f}s", flush=True)
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main())
