"""Try a transaction again when PostgreSQL chose it as the victim of a deadlock or a serialization failure."""

import functools
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection

P = ParamSpec("P")
R = TypeVar("R")

RETRIED = {"40P01", "40001"}  # deadlock_detected, serialization_failure
TRIES = 4


def retried(function: Callable[P, R]) -> Callable[P, R]:
    """Run the function again, at most three times, after a deadlock; never inside an outer transaction."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(1, TRIES + 1):
            try:
                return function(*args, **kwargs)
            except OperationalError as error:
                sqlstate = getattr(error.__cause__, "sqlstate", None)
                if sqlstate not in RETRIED or connection.in_atomic_block or attempt == TRIES:
                    raise
                time.sleep(0.01 * attempt)
        raise AssertionError("unreachable: the last attempt returns or raises")

    return wrapper
