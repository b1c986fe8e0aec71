"""Background work, in one place: procrastinate, jobs in PostgreSQL, enqueued in the caller's transaction."""

from collections.abc import Callable
from typing import Any

from procrastinate.contrib.django import app

Task = Callable[..., Any]


def periodic(cron: str) -> Callable[[Task], Task]:
    """Run the function at these times (five cron fields), once for all workers, never twice at a time.

    A run that was missed is not made up: every sweep must find what the last one left.
    """

    def decorate(function: Task) -> Task:
        name = f"{function.__module__}.{function.__name__}"

        def run(timestamp: int) -> None:
            function()

        run.__name__ = function.__name__
        task = app.task(name=name, queueing_lock=name, lock=name, pass_context=False)(run)
        app.periodic(cron=cron)(task)
        return function

    return decorate
