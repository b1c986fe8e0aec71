"""The log in both forms, as a process writes it."""

import json
import os
import subprocess
import sys

import pytest

SPEAK = """
import logging, django
django.setup()
log = logging.getLogger("iot.ingest")
log.info("Heard “%s” %d times", "Découpeuse", 2)
try:
    1 / 0
except ZeroDivisionError:
    log.exception("Not stored")
"""


def said(**variables: str) -> list[str]:
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "fablab.settings", "FABLAB_LOG_LEVEL": "INFO"} | variables
    done = subprocess.run([sys.executable, "-c", SPEAK], env=env, capture_output=True, text=True, check=True)
    return done.stderr.splitlines()


def test_line_of_the_log_is_one_json_object() -> None:
    heard, failed = (json.loads(line) for line in said(FABLAB_LOG_JSON="1"))

    assert heard.pop("at").endswith("Z")
    assert heard == {"event": "Heard “Découpeuse” 2 times", "level": "info", "logger": "iot.ingest"}
    assert (failed["event"], failed["level"]) == ("Not stored", "error")
    assert "ZeroDivisionError" in failed["exception"]


@pytest.mark.parametrize("variables", [{}, {"FABLAB_LOG_JSON": "0"}], ids=["not said", "no"])
def test_lines_are_plain_unless_asked_for(variables: dict[str, str]) -> None:
    assert said(**variables)[0].endswith(" INFO iot.ingest: Heard “Découpeuse” 2 times")
